defmodule PgEtf.Session do
  @moduledoc false
  # A stream as its owner sees it: messages to hand out, acknowledgements that
  # come back, a position that moves. PgEtf.Producer and PgEtf.Consumer are thin
  # processes around this struct; it has none of its own, but the client it opens
  # sends its messages to the process that calls connect/1.
  #
  # Each run of the client program is an incarnation. What the program restarts
  # from is the slot's confirmed position, so everything that belongs to an
  # incarnation (its inbox above all) is dropped together, and late
  # acknowledgements are known by its reference.
  #
  # What has arrived and is not acknowledged is in PgEtf.Inbox. The other modules of
  # this name know what the program sends (Packets, Reports), what becomes of messages
  # that fail (Failures), what comes after an end (Ends), and how the stream is doing
  # (Status, Health).

  alias PgEtf.{AckTracker, Error, Failure, Inbox, Log, Requeue, Streams, Telemetry}

  alias PgEtf.Session.{Account, Ends, Failures, Health, Packets, Slot, Start, Status}
  alias __MODULE__

  # Words of the owner's heap at least. One that holds what is read ahead grows past
  # 512 KB, from where on the VM maps each heap from the system and gives it back. A heap
  # that goes to and fro over that border costs more than all the decoding, in page
  # faults; one that begins above it takes its like from those kept at hand.
  @heap 100_000

  @flush_interval 50
  @stall_checks 4

  # A crash report shows this struct: it must tell no password, and no rows.
  @derive {Inspect,
           only: [:status, :client, :incarnation, :flushed, :position, :attempts, :error]}
  defstruct [
    :opts,
    :client,
    :conn,
    :incarnation,
    :inbox,
    :requeue,
    :position,
    :error,
    :stall,
    :lag,
    :origin,
    :asked,
    :moved_at,
    :behind_since,
    :alarmed_at,
    status: :disconnected,
    sent: nil,
    flush_timer: nil,
    heard?: true,
    attempts: 0,
    flushed: nil,
    draining?: false,
    caught_up?: false,
    connected?: false,
    slot: nil,
    stored: nil,
    anew?: false,
    log: %Log{},
    told: MapSet.new(),
    stats: %{}
  ]

  @type t :: %Session{}
  @type item :: {data :: term, AckTracker.seq()}

  @doc "A session with validated options, not connected. The caller becomes its owner."
  @spec new(keyword) :: t
  def new(opts) do
    Telemetry.load()
    Process.flag(:min_heap_size, @heap)
    Streams.join(pipeline(opts[:broadway][:name]), opts)
    forget(%Session{opts: opts, client: opts[:client]})
  end

  defp pipeline(nil), do: nil
  defp pipeline(name), do: GenServer.whereis(name)

  @doc "Starts the client program. The outcome arrives as messages to the caller."
  @spec connect(t) :: {:ok, t}
  def connect(%Session{draining?: true} = session), do: {:ok, session}

  def connect(%Session{conn: nil} = session) do
    session = %{forget(session) | incarnation: make_ref()}

    with {:ok, settings} <- Start.settings(session),
         {:ok, conn} <- session.client.open(settings, session.opts) do
      schedule(session, :heartbeat, session.opts[:heartbeat])
      schedule(session, :watch, div(session.opts[:stall_after], @stall_checks))
      session = %{Slot.started(session, settings) | conn: conn, heard?: true}
      {:ok, Health.moved(%{session | status: :connecting})}
    else
      {:error, error} -> down(session, error)
    end
  end

  @doc """
  Starts where the position is by now: the slot that was stood by for is free, and was at
  `seen` when that was told.
  """
  @spec go(t, PgEtf.Lsn.t()) :: {:ok, t}
  def go(%Session{conn: nil} = session, _seen), do: {:ok, session}

  def go(%Session{} = session, seen) do
    with {:ok, lsn} <- Start.position(session),
         :ok <- session.client.command(session.conn, {:go, lsn || 0, seen}) do
      {:ok, %{session | stored: lsn}}
    else
      :busy -> {:ok, tap(session, &schedule(&1, {:free, seen}, @flush_interval))}
      {:error, error} -> fail(session, error)
    end
  end

  @doc "Instead of a start: why there is none."
  @spec fail(t, Error.t()) :: {:ok, t}
  def fail(%Session{} = session, error) do
    session |> disconnect(session.opts[:shutdown_timeout]) |> down(error)
  end

  @doc "The position to start at next, nil for that of the slot."
  @spec start_at(t, PgEtf.Lsn.t() | nil) :: t
  def start_at(%Session{opts: opts} = session, lsn) do
    %{session | opts: Keyword.put(opts, :start_position, fn -> lsn end)}
  end

  # What belongs to one incarnation, empty.
  defp forget(session) do
    %{
      session
      | inbox: Inbox.new(session.opts),
        requeue: Requeue.new(session.opts),
        sent: nil,
        asked: nil,
        stall: nil,
        behind_since: nil,
        caught_up?: false
    }
  end

  @doc """
  Takes up to so many messages, for which there is demand.
  """
  @spec take(t, non_neg_integer) :: {[item], t}
  def take(%Session{} = session, demand) do
    demand = if session.draining?, do: 0, else: demand
    {again, requeue} = Requeue.take(session.requeue, demand)
    {items, inbox} = Inbox.take(session.inbox, demand - length(again))
    requeue = Requeue.keep(requeue, items)
    items = again ++ items
    moved_at = if items == [], do: session.moved_at, else: Health.now()
    session = %{session | inbox: inbox, requeue: requeue, moved_at: moved_at}

    if inbox.exception do
      error = Error.exception_in("store_position", inbox.exception)
      {[], retry(session, %{error | class: :failure})}
    else
      {items, session |> Health.at(inbox.position) |> confirm() |> Account.replenish()}
    end
  end

  @doc "The same, but what has failed comes again before anything else."
  @spec take_in_order(t, non_neg_integer) :: {[item], t}
  def take_in_order(%Session{requeue: requeue} = session, demand) do
    if Requeue.open?(requeue) do
      {again, requeue} = Requeue.take(requeue, demand)
      {again, %{session | requeue: requeue}}
    else
      take(session, demand)
    end
  end

  ## Acknowledging

  @doc """
  Takes acknowledgements. Those of an earlier incarnation are dropped: what they
  belong to comes again.
  """
  @spec ack(t, reference, [AckTracker.seq()], [Failure.t()]) :: t
  def ack(%Session{incarnation: incarnation} = session, incarnation, seqs, []) do
    acked(session, seqs)
  end

  def ack(%Session{incarnation: incarnation} = session, incarnation, seqs, failures) do
    {verdict, done, session} = Failures.settle(session, failures)
    session = acked(session, done ++ seqs)

    case verdict do
      nil -> session
      {:halt, error} -> halt(session, error)
      {:retry, error} -> retry(session, error)
    end
  end

  def ack(session, _incarnation, _seqs, _failures), do: session

  defp acked(session, []), do: session

  defp acked(session, seqs) do
    requeue = Requeue.done(session.requeue, seqs)
    inbox = Inbox.ack(session.inbox, seqs)

    %{session | inbox: inbox, requeue: requeue, moved_at: Health.now()}
    |> confirm()
    |> Account.replenish()
  end

  @doc "Whether some changes are there to be taken, but not so many, and more may come."
  @spec filling?(t, pos_integer) :: boolean
  def filling?(%Session{inbox: inbox, requeue: requeue}, count) do
    inbox.queued > 0 and inbox.queued < count and Inbox.open?(inbox) and
      not Requeue.open?(requeue)
  end

  @doc "Whether something was handed out and not acknowledged."
  @spec in_flight?(t) :: boolean
  def in_flight?(%Session{inbox: inbox}), do: Inbox.in_flight(inbox) > 0

  defp halt(session, error) do
    session |> disconnect(session.opts[:shutdown_timeout]) |> forget() |> Ends.halt(error)
  end

  @doc "Goes on after a halt, from the confirmed position."
  @spec resume(t, keyword) :: {:ok, t}
  def resume(%Session{status: :halted, error: error} = session, opts) do
    anew? = opts[:create_slot] == true and error.class in [:slot_missing, :slot_lost]
    connect(%{session | log: Log.forget(session.log), anew?: anew?})
  end

  def resume(session, _opts), do: {:ok, session}

  @doc "Starts the stream again, from the confirmed position: what is in flight comes again."
  @spec retry(t, Error.t()) :: t
  def retry(%Session{} = session, error) do
    session |> disconnect(session.opts[:shutdown_timeout]) |> forget() |> Ends.back_off(error)
  end

  # A moved position goes out at once, the following ones at intervals: what is
  # acknowledged in between is summed up.
  defp confirm(%Session{flush_timer: timer} = session) when timer != nil, do: session
  defp confirm(%Session{conn: nil} = session), do: session

  defp confirm(session) do
    if Inbox.flushed(session.inbox) == session.sent do
      session
    else
      send_flushed(%{session | flush_timer: schedule(session, :flush, @flush_interval)})
    end
  end

  defp send_flushed(%Session{inbox: inbox} = session) do
    flushed = Inbox.flushed(inbox)

    case session.client.command(session.conn, {:flushed, flushed}) do
      :ok ->
        in_flight = Inbox.in_flight(inbox)
        telemetry(session, [:flush], %{lsn: flushed, in_flight: in_flight}, %{})

        %{session | sent: flushed, flushed: flushed}
        |> Status.progress()
        |> Slot.passed(flushed)
        |> Health.at(flushed)

      :busy ->
        session
    end
  end

  ## Messages

  @doc """
  Handles a message to the owner. `:unknown` when it is not for the session; after
  `:ok` there may be more to take.
  """
  @spec handle_info(t, term) :: {:ok, t} | {:stop, Error.t(), t} | :unknown
  def handle_info(%Session{} = session, {Session, incarnation, message}) do
    if incarnation == session.incarnation do
      handle_timer(session, message)
    else
      {:ok, session}
    end
  end

  def handle_info(%Session{conn: nil}, _message), do: :unknown

  def handle_info(%Session{} = session, message) do
    case session.client.handle_message(session.conn, message) do
      {:packet, packet} -> %{session | heard?: true} |> Packets.take(packet) |> taken(session)
      {:down, error} -> session |> disconnect(0) |> down(error)
      :unknown -> :unknown
    end
  end

  defp taken({:ok, session}, _before), do: {:ok, session}
  defp taken({:error, error}, session), do: session |> disconnect(0) |> down(error)
  defp taken({:again, error}, session), do: session |> disconnect(0) |> again(error)

  defp handle_timer(session, :connect) do
    if session.conn, do: {:ok, session}, else: connect(session)
  end

  defp handle_timer(session, {:free, seen}), do: go(session, seen)
  defp handle_timer(session, {:stop, error}), do: {:stop, error, session}

  defp handle_timer(session, :flush), do: {:ok, confirm(%{session | flush_timer: nil})}
  defp handle_timer(%Session{conn: nil} = session, _message), do: {:ok, session}

  defp handle_timer(session, {:again, seqs}) do
    {:ok, %{session | requeue: Requeue.ready(session.requeue, seqs)}}
  end

  defp handle_timer(%Session{heard?: false} = session, :heartbeat) do
    error = %Error{class: :port, message: "pg_etf_client does not answer"}
    session |> disconnect(0) |> down(error)
  end

  defp handle_timer(session, :heartbeat) do
    session = Account.ask(session)
    schedule(session, :heartbeat, session.opts[:heartbeat])
    {:ok, %{session | heard?: false}}
  end

  defp handle_timer(session, :watch) do
    schedule(session, :watch, div(session.opts[:stall_after], @stall_checks))
    {:ok, Health.watch(session)}
  end

  ## Ends

  defp down(session, error), do: ended(session, error, &Ends.down/2)

  # Whatever the class is: a new program mends it.
  defp again(session, error), do: ended(session, error, &Ends.back_off/2)

  defp ended(%Session{draining?: true} = session, _error, _then), do: {:ok, session}
  defp ended(session, error, then), do: {:ok, session |> forget() |> then.(error)}

  defp disconnect(%Session{conn: nil} = session, _timeout), do: session

  defp disconnect(session, timeout) do
    session =
      if Inbox.flushed(session.inbox) == session.sent, do: session, else: send_flushed(session)

    session.client.close(session.conn, timeout)
    %{session | conn: nil, flush_timer: nil, status: :disconnected}
  end

  @doc "Hands out no more; what is handed out may still be acknowledged."
  @spec drain(t) :: t
  def drain(%Session{} = session), do: %{session | draining?: true}

  @doc "Confirms the last position and ends the client program."
  @spec close(t) :: t
  def close(%Session{} = session) do
    disconnect(%{session | draining?: true}, session.opts[:shutdown_timeout])
  end

  defp telemetry(session, event, measurements, metadata) do
    Telemetry.execute(session.opts, event, measurements, metadata)
  end

  @doc "A message to the owner, for the session as long as this incarnation lasts."
  @spec schedule(t, term, non_neg_integer) :: reference
  def schedule(session, message, delay) do
    Process.send_after(self(), {Session, session.incarnation, message}, delay)
  end
end
