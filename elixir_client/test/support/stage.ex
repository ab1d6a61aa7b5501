defmodule PgEtf.Stage do
  @moduledoc false
  # Drives a producer for a test: demand in, messages out to the process that started
  # it. Where GenStage is on the code path it does so; elsewhere this process calls the
  # callbacks as GenStage would, and emitting beyond demand, which GenStage would
  # buffer, is an error.

  use GenServer

  alias PgEtf.FakeSlot
  alias PgEtf.Stage.Consumer

  @compile {:no_warn_undefined, GenStage}

  def real?, do: Code.ensure_loaded?(GenStage)

  def start_link(module, opts) do
    if real?() do
      {:ok, stage} = GenStage.start_link(module, opts)
      Process.put({__MODULE__, stage}, Consumer.start_link(stage))
      {:ok, stage}
    else
      GenServer.start_link(__MODULE__, {module, opts, self()})
    end
  end

  def ask(stage, demand) do
    GenServer.cast(Process.get({__MODULE__, stage}, stage), {__MODULE__, :ask, demand})
  end

  @doc "Tells a producer that the pipeline is draining, as Broadway does."
  def drain(stage) do
    if real?() do
      :sys.replace_state(stage, fn %{mod: module, state: state} = stage ->
        {:noreply, [], state} = module.prepare_for_draining(state)
        %{stage | state: state}
      end)
    else
      GenServer.cast(stage, {__MODULE__, :drain})
    end
  end

  @doc "The consumer dies, and another one takes its place."
  def replace_consumer(stage) do
    if real?() do
      consumer = Process.get({__MODULE__, stage})
      Process.unlink(consumer)
      Process.exit(consumer, :kill)
      Process.put({__MODULE__, stage}, Consumer.start_link(stage))
    else
      GenServer.cast(stage, {__MODULE__, :cancel})
    end
  end

  @doc "Waits until nothing more is on its way from a slot to here."
  def settle(stage, slot) do
    FakeSlot.settle(slot, [stage | List.wrap(Process.get({__MODULE__, stage}))])
  end

  @doc "How the producer is doing when it has seen all that was sent to it before."
  def info(stage) do
    :sys.get_state(stage)
    PgEtf.info(stage)
  end

  @doc "Waits for so many messages, asking for them first."
  def take(stage, count, timeout \\ 5_000) do
    ask(stage, count)
    receive_messages(stage, count, timeout)
  end

  def receive_messages(stage, count, timeout \\ 5_000)

  def receive_messages(_stage, count, _timeout) when count <= 0, do: []

  def receive_messages(stage, count, timeout) do
    receive do
      {__MODULE__, ^stage, messages} ->
        messages ++ receive_messages(stage, count - length(messages), timeout)
    after
      timeout -> raise "#{count} messages are missing"
    end
  end

  @impl true
  def init({module, opts, consumer}) do
    {:producer, state, stage_opts} = module.init(opts)
    :infinity = stage_opts[:buffer_size]
    {:ok, %{module: module, state: state, consumer: consumer, demand: 0}}
  end

  @impl true
  def handle_cast({__MODULE__, :ask, demand}, stage) do
    stage = %{stage | demand: stage.demand + demand}
    stage.module.handle_demand(demand, stage.state) |> noreply(stage)
  end

  def handle_cast({__MODULE__, :cancel}, stage) do
    from = {stage.consumer, make_ref()}
    stage.module.handle_cancel({:down, :killed}, from, stage.state) |> noreply(stage)
  end

  def handle_cast({__MODULE__, :drain}, stage) do
    stage.state |> stage.module.prepare_for_draining() |> noreply(stage)
  end

  @impl true
  def handle_info(message, stage) do
    message |> stage.module.handle_info(stage.state) |> noreply(stage)
  end

  @impl true
  def handle_call(message, from, stage) do
    case stage.module.handle_call(message, from, stage.state) do
      {:reply, reply, messages, state} ->
        {:reply, reply, emit(%{stage | state: state}, messages)}

      other ->
        noreply(other, stage)
    end
  end

  @impl true
  def terminate(reason, stage), do: stage.module.terminate(reason, stage.state)

  defp noreply({:noreply, messages, state}, stage) do
    {:noreply, emit(%{stage | state: state}, messages)}
  end

  defp noreply({:stop, reason, state}, stage), do: {:stop, reason, %{stage | state: state}}

  defp emit(stage, []), do: stage

  defp emit(stage, messages) do
    if length(messages) > stage.demand, do: raise("more messages than demand")
    send(stage.consumer, {__MODULE__, self(), messages})
    %{stage | demand: stage.demand - length(messages)}
  end
end

defmodule PgEtf.Stage.Consumer do
  @moduledoc false
  # A consumer under GenStage that asks when it is told to. It needs no GenStage to
  # compile, as one build serves both ways to run the tests.

  alias PgEtf.Stage

  @compile {:no_warn_undefined, GenStage}

  def start_link(producer) do
    {:ok, consumer} = GenStage.start_link(__MODULE__, self())
    {:ok, _} = GenStage.sync_subscribe(consumer, to: producer, cancel: :temporary)
    consumer
  end

  def init(test), do: {:consumer, %{test: test, from: nil}}

  def handle_subscribe(:producer, _opts, from, state), do: {:manual, %{state | from: from}}

  def handle_cancel(_reason, _from, state), do: {:noreply, [], state}

  def handle_cast({Stage, :ask, demand}, state) do
    GenStage.ask(state.from, demand)
    {:noreply, [], state}
  end

  def handle_events(messages, {producer, _tag}, state) do
    send(state.test, {Stage, producer, messages})
    {:noreply, [], state}
  end
end
