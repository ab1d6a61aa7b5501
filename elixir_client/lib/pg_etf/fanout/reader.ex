defmodule PgEtf.Fanout.Reader do
  @moduledoc false
  # The process of a PgEtf.Fanout that reads, or stands by: takes from the stream, sends to
  # workers of all nodes, and acknowledges what they have handled.
  #
  # Each connection of the stream is an epoch. It knows the workers by references of its own,
  # so that what belongs to an earlier one is for nobody.

  use GenServer

  alias PgEtf.Decode.Deferred
  alias PgEtf.Error
  alias PgEtf.Fanout.{Relay, Rows, Wire, Worker}
  alias PgEtf.Producer.Message
  alias PgEtf.Stream.{Failure, Health, Log, Session, State, Summary}
  alias __MODULE__

  require Logger

  # Milliseconds between two looks for new workers, and until a full connection to
  # another node is tried again.
  @look 200
  @again 5
  # Changes that are taken at once, before other messages are looked at.
  @turn 500
  # Acknowledgements that are taken together.
  @together 100

  # relay     nil while there is no epoch; epoch, the incarnation that it belongs to
  # monitors  of workers, by pid
  # again?    a timer for what could not be sent runs
  defstruct [:session, :scope, :by, :relay, :epoch, monitors: %{}, again?: false]

  @spec start_link({keyword, map}) :: GenServer.on_start()
  def start_link({opts, own}) do
    GenServer.start_link(Reader, {opts, own}, name: opts[:name])
  end

  @impl GenServer
  def init({opts, own}) do
    Process.flag(:trap_exit, true)
    session = Session.new(Keyword.put(opts, :deferred, true))
    reader = %Reader{session: session, scope: own.scope, by: by(own.partition_by)}
    Health.publish(reader.session)
    Process.send_after(self(), {Reader, :look}, @look)
    {:ok, reader, {:continue, :connect}}
  end

  # Another function than the default may ask for anything in a change.
  defp by(fun) do
    if fun == (&PgEtf.partition_by/1),
      do: &Deferred.partition_by/1,
      else: &(&1 |> Deferred.finish() |> fun.())
  end

  @impl GenServer
  def handle_continue(:connect, reader), do: reader.session |> Session.connect() |> go_on(reader)

  @impl GenServer
  def handle_info({Reader, :done, ref, count}, %Reader{relay: %Relay{}} = reader) do
    {seqs, relay, failed} = done(reader.relay, ref, count, [], @together)
    session = Session.ack(reader.session, reader.epoch, seqs, [])
    reader = %{reader | session: session, relay: relay}
    if failed, do: handle_info(failed, reader), else: go_on({:ok, session}, reader)
  end

  def handle_info({Reader, :failed, ref, count, status}, %Reader{relay: %Relay{}} = reader) do
    {items, relay} = Relay.done(reader.relay, ref, count)
    action = reader.session.opts[:on_failure]

    failures =
      for {seq, _, data} <- items do
        Failure.new(seq, action, data |> Deferred.finish() |> Message.metadata(), status)
      end

    session = Session.ack(reader.session, reader.epoch, [], failures)
    go_on({:ok, session}, %{reader | relay: relay})
  end

  def handle_info({Reader, :ready, ref, about}, %Reader{relay: %Relay{}} = reader) do
    go_on({:ok, reader.session}, %{reader | relay: Relay.ready(reader.relay, ref, about)})
  end

  # It works for another one, which has the slot: what it had of ours it has dropped.
  def handle_info({Reader, :left, ref}, %Reader{relay: %Relay{}} = reader) do
    if Relay.member?(reader.relay, ref) do
      error = %Error{class: :slot_active, message: "another node has taken over the slot"}
      go_on({:ok, Session.retry(reader.session, error)}, reader)
    else
      {:noreply, reader}
    end
  end

  # Of an epoch that is over.
  def handle_info({Reader, :left, _ref}, reader), do: {:noreply, reader}

  def handle_info({Reader, answer, _ref, _}, reader) when answer in [:done, :ready],
    do: {:noreply, reader}

  def handle_info({Reader, :failed, _ref, _count, _status}, reader), do: {:noreply, reader}

  def handle_info({Reader, :look}, reader) do
    Process.send_after(self(), {Reader, :look}, @look)
    {:noreply, look(reader)}
  end

  def handle_info({Reader, :again}, reader) do
    go_on({:ok, reader.session}, %{reader | again?: false})
  end

  def handle_info({:DOWN, _monitor, :process, pid, reason}, %Reader{monitors: monitors} = reader)
      when is_map_key(monitors, pid) do
    gone = [pid | gone(monitors, node(pid))]
    reader = lost(%{reader | monitors: Map.drop(monitors, gone)}, gone, reason)
    go_on({:ok, reader.session}, reader)
  end

  def handle_info(message, reader) do
    case Session.handle_info(reader.session, message) do
      :unknown -> {:noreply, reader}
      result -> go_on(result, reader)
    end
  end

  # With all that have arrived meanwhile, up to a failure: what its worker has done since is
  # counted from there.
  defp done(relay, ref, count, seqs, more) do
    {items, relay} = Relay.done(relay, ref, count)
    seqs = for {seq, _partition, _data} <- items, reduce: seqs, do: (seqs -> [seq | seqs])

    receive do
      {Reader, :done, ref, count} when more > 0 -> done(relay, ref, count, seqs, more - 1)
      {Reader, :failed, _ref, _count, _status} = failed when more > 0 -> {seqs, relay, failed}
    after
      0 -> {seqs, relay, nil}
    end
  end

  @impl GenServer
  def handle_call({PgEtf, {:resume, opts}}, from, reader) do
    GenServer.reply(from, :ok)
    reader.session |> Session.resume(opts) |> go_on(reader)
  end

  def handle_call({PgEtf, {request, what}}, from, reader) when request in [:backfill, :update] do
    {answer, session} = apply(Session, request, [reader.session, what])
    GenServer.reply(from, answer)
    go_on({:ok, session}, reader)
  end

  def handle_call({Reader, :nodes}, _from, reader) do
    {:reply, if(reader.relay, do: Relay.nodes(reader.relay), else: %{}), reader}
  end

  # Those of this node are stopped after it, and the others go on: what they have in hand
  # is acknowledged before the position is confirmed for the last time.
  @impl GenServer
  def terminate(_reason, %Reader{session: session} = reader) do
    session = if reader.relay, do: wait(reader, session), else: session
    Session.close(session)
  end

  defp wait(reader, session) do
    reader = %{reader | session: Session.drain(session)}
    wait_until(reader, Health.now() + session.opts[:shutdown_timeout])
  end

  defp wait_until(%Reader{session: session} = reader, until) do
    if Relay.in_flight(reader.relay) == 0 do
      session
    else
      receive do
        {Reader, :done, ref, count} ->
          {seqs, relay, _failed} = done(reader.relay, ref, count, [], 0)
          session = Session.ack(session, reader.epoch, seqs, [])
          wait_until(%{reader | session: session, relay: relay}, until)

        # It is not confirmed, and comes again at the next start.
        {Reader, :failed, ref, count, _status} ->
          {_items, relay} = Relay.done(reader.relay, ref, count)
          wait_until(%{reader | relay: relay}, until)

        {:DOWN, _monitor, :process, pid, _reason} ->
          {_count, relay} = Relay.gone(reader.relay, pid)
          wait_until(%{reader | relay: relay}, until)
      after
        max(until - Health.now(), 0) -> session
      end
    end
  end

  if {:format_status, 1} in GenServer.behaviour_info(:callbacks), do: @impl(GenServer)
  @doc false
  def format_status(status), do: Summary.status(status, &Summary.of(&1.session))

  @impl GenServer
  def format_status(:normal, [_, reader]), do: [data: [{~c"State", Summary.of(reader.session)}]]
  def format_status(:terminate, [_dictionary, reader]), do: Summary.of(reader.session)

  ## Epochs

  defp go_on({:stop, error, session}, reader) do
    {:stop, {error, []}, %{reader | session: session}}
  end

  defp go_on({:ok, %State{} = session}, reader) do
    reader = %{reader | session: session} |> epoch() |> work()
    Health.publish(reader.session)
    {:noreply, reader}
  end

  defp epoch(%Reader{session: %{incarnation: epoch}, epoch: epoch} = reader), do: reader

  defp epoch(%Reader{session: %{status: :connected, incarnation: epoch}} = reader) do
    Process.delete({Reader, :told})
    {_new, reader} = watch(reader)
    workers = for {pid, _monitor} <- reader.monitors, do: {pid, invite(reader, pid)}
    %{reader | relay: Relay.new(workers), epoch: epoch}
  end

  defp epoch(reader), do: %{reader | relay: nil, epoch: nil}

  defp invite(reader, pid) do
    ref = make_ref()
    in_order? = reader.session.opts[:on_failure] in [:retry, :halt]
    send(pid, {Worker, :welcome, self(), ref, in_order?})
    ref
  end

  defp look(%Reader{relay: nil} = reader), do: reader

  defp look(reader) do
    {new, reader} = watch(reader)
    relay = Enum.reduce(new, reader.relay, &Relay.welcome(&2, &1, invite(reader, &1)))
    %{reader | relay: relay}
  end

  # Workers that are new are watched from now on.
  defp watch(%Reader{scope: scope, monitors: monitors} = reader) do
    new = for pid <- :pg.get_members(scope, Worker), not is_map_key(monitors, pid), do: pid
    monitors = for pid <- new, into: monitors, do: {pid, Process.monitor(pid)}
    {new, %{reader | monitors: monitors}}
  end

  # A node takes all of its workers along: they are one event.
  defp gone(monitors, node) do
    receive do
      {:DOWN, _monitor, :process, pid, :noconnection}
      when node(pid) == node and is_map_key(monitors, pid) ->
        [pid | gone(monitors, node)]
    after
      0 -> []
    end
  end

  defp lost(%Reader{relay: nil} = reader, _pids, _reason), do: reader

  defp lost(reader, [pid | _] = pids, reason) do
    {counts, relay} = Enum.map_reduce(pids, reader.relay, &Relay.gone(&2, &1))
    count = Enum.sum(counts)

    if count > 0 do
      Logger.warning(
        "#{Log.label(reader.session.opts)}: #{length(pids)} workers of #{node(pid)} are gone " <>
          "(#{reason(reason)}), #{count} changes are delivered again to others"
      )
    end

    %{reader | relay: relay}
  end

  defp reason(reason) when is_atom(reason), do: reason
  defp reason(_may_quote_rows), do: "crashed"

  ## Sending

  defp work(%Reader{relay: nil} = reader), do: reader

  defp work(%Reader{} = reader) do
    if Relay.hungry?(reader.relay), do: reader |> take() |> work_on(), else: flush(reader)
  end

  defp work_on({[], reader}), do: flush(reader)

  defp work_on({items, reader}) do
    reader = flush(%{reader | relay: Relay.put(reader.relay, items, reader.by)})
    if length(items) < @turn, do: reader, else: work(reader)
  end

  # A halt or an end may come of it.
  defp take(reader) do
    {items, session} = Session.take(reader.session, @turn)
    reader = epoch(%{reader | session: session})
    {if(reader.relay, do: items, else: []), reader}
  end

  defp flush(%Reader{relay: nil} = reader), do: reader

  defp flush(reader) do
    %Reader{relay: relay} = reader
    relay = Relay.flush(relay, &send_batch(Relay.wire(relay, &2), &1, &2, &3))

    if Process.delete({Reader, :busy}),
      do: later(%{reader | relay: relay}),
      else: %{reader | relay: relay}
  end

  # A worker of an earlier version of this library.
  defp send_batch(1, pid, ref, data) do
    send_one(pid, {Worker, :packed, ref, data |> Enum.map(&Deferred.finish/1) |> Wire.pack()})
  end

  defp send_batch(_newer, pid, ref, data) do
    told = Process.get({Reader, :told}, %{})
    {rows, tables} = Rows.pack(data, Map.get(told, ref, %{}))
    sent? = send_one(pid, {Worker, :rows, ref, rows})
    if sent?, do: Process.put({Reader, :told}, Map.put(told, ref, tables))
    sent?
  end

  # One that cannot take more now must not hold up the others.
  defp send_one(pid, batch) do
    case :erlang.send(pid, batch, [:nosuspend, :noconnect]) do
      :ok ->
        true

      _busy ->
        Process.put({Reader, :busy}, true)
        false
    end
  end

  defp later(%Reader{again?: true} = reader), do: reader

  defp later(reader) do
    Process.send_after(self(), {Reader, :again}, @again)
    %{reader | again?: true}
  end
end
