defmodule PgEtf.Stage do
  @moduledoc false
  # Drives the callbacks of a producer as GenStage would, for tests where GenStage
  # is not there: demand in, messages out to the process that asked. Emitting
  # beyond demand, which GenStage would buffer, is an error here.

  use GenServer

  def start_link(module, opts), do: GenServer.start_link(__MODULE__, {module, opts, self()})

  def ask(stage, demand), do: GenServer.cast(stage, {__MODULE__, :ask, demand})
  def drain(stage), do: GenServer.cast(stage, {__MODULE__, :drain})

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
