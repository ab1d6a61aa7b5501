defmodule PgEtf.Producer do
  @moduledoc """
  A Broadway and GenStage producer of PostgreSQL's changes.
  """

  # This module is a set of callbacks: it uses neither GenStage nor Broadway, so
  # it compiles without them. What it knows about the stream is in PgEtf.Session;
  # here are demand, messages and the life of the process.

  alias PgEtf.{Acknowledger, Change, Options, Session, Transaction}
  alias __MODULE__

  @compile {:no_warn_undefined, Broadway}

  # opts      validated
  # session   the stream
  # demand    messages that consumers have asked for and not got
  # stages    monitors of the processes that hold messages
  @derive {Inspect, except: [:opts]}
  defstruct [:opts, :session, demand: 0, stages: %{}]

  @doc false
  def prepare_for_start(module, broadway) do
    {producer, opts} = broadway[:producer][:module]
    Options.validate!(opts)

    case broadway[:producer][:concurrency] do
      n when n in [nil, 1] ->
        :ok

      n ->
        raise ArgumentError,
              "a slot has one reader: producer: [concurrency: #{n}] must be 1; " <>
                "raise the concurrency of the processors"
    end

    opts = Keyword.put(opts, :broadway_module, module)
    {[], put_in(broadway, [:producer, :module], {producer, opts})}
  end

  @doc false
  def init(opts) do
    Process.flag(:trap_exit, true)
    opts = Options.validate!(opts)
    # The database is for later: whoever starts this must not wait for it.
    send(self(), {Producer, :connect})
    {:producer, %Producer{opts: opts, session: Session.new(opts)}, buffer_size: :infinity}
  end

  @doc false
  def handle_demand(demand, %Producer{} = state) do
    emit(watch_stages(%{state | demand: state.demand + demand}))
  end

  @doc false
  def handle_info({Producer, :connect}, state) do
    state.session |> Session.connect() |> continue(state)
  end

  def handle_info({Acknowledger, incarnation, seqs, failures}, state) do
    emit(%{state | session: Session.ack(state.session, incarnation, seqs, failures)})
  end

  # What a stage held when it died is gone, and nobody will say so. Starting
  # anew makes the consumers subscribe again, with demand that is true.
  def handle_info({:DOWN, monitor, :process, _pid, reason}, state)
      when is_map_key(state.stages, monitor) do
    stages = Map.delete(state.stages, monitor)

    if state.session.draining? or reason in [:normal, :shutdown] do
      {:noreply, [], %{state | stages: stages}}
    else
      {:stop, {:shutdown, {:stage_down, state.stages[monitor], reason}},
       %{state | stages: stages}}
    end
  end

  def handle_info(message, state) do
    case Session.handle_info(state.session, message) do
      :unknown -> {:noreply, [], state}
      result -> continue(result, state)
    end
  end

  @doc false
  def handle_call({PgEtf, :info}, _from, state) do
    info = state.session |> Session.info() |> Map.put(:demand, state.demand)
    {:reply, info, [], state}
  end

  def handle_call({PgEtf, :resume}, from, state) do
    reply(from, :ok)
    state.session |> Session.resume() |> continue(state)
  end

  @doc false
  def handle_cast(_message, state), do: {:noreply, [], state}

  @doc false
  def prepare_for_draining(state) do
    {:noreply, [], %{state | session: Session.drain(state.session)}}
  end

  @doc false
  def terminate(_reason, state) do
    Session.close(state.session)
    :ok
  end

  defp continue({:ok, session}, state), do: emit(%{state | session: session})

  defp continue({:stop, error, session}, state),
    do: {:stop, {error, []}, %{state | session: session}}

  defp emit(%Producer{} = state) do
    {items, session} = Session.take(state.session, state.demand)
    messages = messages(items, session.incarnation, state.opts)
    {:noreply, messages, %{state | session: session, demand: state.demand - length(items)}}
  end

  defp messages([], _incarnation, _opts), do: []

  defp messages(items, incarnation, opts) do
    ack_ref = {self(), incarnation}
    on_failure = opts[:on_failure]
    template = template()

    for {data, seq} <- items do
      acknowledger = {Acknowledger, ack_ref, %{seq: seq, on_failure: on_failure}}
      %{template | data: data, metadata: metadata(data), acknowledger: acknowledger}
    end
  end

  # Under GenStage alone a message is a map with the same fields.
  defp template do
    if Code.ensure_loaded?(Broadway.Message) do
      struct(Broadway.Message)
    else
      %{data: nil, metadata: nil, acknowledger: nil}
    end
  end

  defp metadata(%Change{} = change) do
    %{
      schema: change.schema,
      table: change.table,
      op: change.op,
      commit_lsn: change.commit_lsn,
      index: change.index,
      xid: change.xid,
      commit_time: change.commit_time
    }
  end

  defp metadata(%Transaction{} = transaction) do
    %{
      part: transaction.part,
      commit_lsn: transaction.commit_lsn,
      index: transaction.first_index,
      xid: transaction.xid,
      commit_time: transaction.commit_time
    }
  end

  # GenStage.reply/2, which is GenServer's.
  defp reply(from, reply), do: GenServer.reply(from, reply)

  ## Stages

  # There are consumers once there is demand, and then Broadway knows its stages.
  defp watch_stages(%Producer{stages: stages} = state) when stages != %{}, do: state

  defp watch_stages(%Producer{opts: opts} = state) do
    case opts[:broadway] do
      nil -> state
      broadway -> %{state | stages: monitor_stages(broadway[:name], opts[:broadway_module])}
    end
  end

  defp monitor_stages(name, module) do
    topology = Broadway.topology(name)

    for stage <- stage_names(topology, name, module), into: %{} do
      {Process.monitor(stage), stage}
    end
  catch
    # The pipeline is not all there yet; the next demand asks again.
    :exit, _ -> %{}
  end

  defp stage_names(topology, name, module) do
    processors =
      for %{processor_key: key, concurrency: n} <- topology[:processors], i <- 0..(n - 1) do
        "Processor_#{key}_#{i}"
      end

    batchers =
      for %{batcher_key: key, concurrency: n} <- topology[:batchers],
          base <- ["Batcher_#{key}" | Enum.map(0..(n - 1), &"BatchProcessor_#{key}_#{&1}")] do
        base
      end

    Enum.map(processors ++ batchers, &process_name(module, name, &1))
  end

  defp process_name(module, name, base) do
    if module && function_exported?(module, :process_name, 2) do
      module.process_name(name, base)
    else
      :"#{name}.Broadway.#{base}"
    end
  end
end
