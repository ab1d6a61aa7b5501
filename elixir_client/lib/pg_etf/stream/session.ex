defmodule PgEtf.Stream.Session do
  @moduledoc false
  # A stream as its owner sees it: messages to hand out, acknowledgements that
  # come back, a position that moves. PgEtf.Producer and PgEtf.Consumer are thin
  # processes around its PgEtf.Stream.State; it has none of its own, but the client it opens
  # sends its messages to the process that calls connect/1.
  #
  # Each run of the client program is an incarnation. What the program restarts
  # from is the slot's confirmed position, so everything that belongs to an
  # incarnation (its inbox above all) is dropped together, and late
  # acknowledgements are known by its reference.
  #
  # What has arrived and is not acknowledged is in PgEtf.Stream.Inbox. The other modules
  # here know what the program sends (Packets, Reports), what it is told (Start, Account,
  # Flush), what becomes of messages that fail (Failures), what comes after an end (Ends),
  # and how the stream is doing (Status, Health).

  alias PgEtf.{Error, Telemetry}

  alias PgEtf.Stream.{
    Account,
    AckTracker,
    Backfills,
    BackfillsKept,
    Directory,
    Ends,
    Failure,
    Failures,
    Flush,
    Health,
    Inbox,
    Log,
    Packets,
    Requeue,
    Schema,
    Slot,
    Start,
    State,
    Tally,
    Updates
  }

  import State, only: [runs: 1]

  require Logger

  # Words of the owner's heap at least. One that holds what is read ahead grows past
  # 512 KB, from where on the VM maps each heap from the system and gives it back. A heap
  # that goes to and fro over that border costs more than all the decoding, in page
  # faults; one that begins above it takes its like from those kept at hand.
  @heap 100_000

  @stall_checks 4
  # Milliseconds until a sink is asked again whether the program takes its position.
  @busy_pause 50

  @doc "A session with validated options, not connected. The caller becomes its owner."
  @spec new(keyword) :: State.t()
  def new(opts) do
    Process.flag(:min_heap_size, @heap)
    Directory.join(pipeline(opts[:broadway][:name]), opts)
    start = opts
    {opts, changed} = Updates.restore(opts)
    log_changed(opts, changed)
    status = if opts[:testing] == :manual, do: :manual, else: :disconnected

    reset(%State{
      opts: opts,
      start: start,
      source: Telemetry.source(opts),
      client: opts[:client],
      incarnation: make_ref(),
      status: status,
      backfills: Backfills.new(opts)
    })
  end

  defp pipeline(nil), do: nil
  defp pipeline(name), do: GenServer.whereis(name)

  @doc "Starts the client program. The outcome arrives as messages to the caller."
  @spec connect(State.t()) :: {:ok, State.t()}
  def connect(%State{phase: :idle, status: status} = session) when status != :manual do
    case Schema.load(session) do
      {:ok, session} -> open(%{reset(session) | incarnation: make_ref()})
      {:error, error} -> down(session, error)
    end
  end

  def connect(session), do: {:ok, session}

  defp open(session) do
    with {:ok, session} <- BackfillsKept.load(session),
         {:ok, settings} <- Start.settings(session),
         {:ok, conn} <- session.client.open(settings, session.opts) do
      State.schedule(session, :heartbeat, session.opts[:stats_interval])
      State.schedule(session, :watch, div(session.opts[:stall_after], @stall_checks))
      session = %{Slot.started(session, settings) | conn: conn, heard?: true}
      session = Health.touch(%{session | phase: :open, status: :connecting})
      {:ok, Backfills.started(session)}
    else
      {:error, error} -> down(session, error)
    end
  end

  @doc """
  Starts at the current position: the slot that was waited for is free, and was at
  `seen` when that was reported.
  """
  @spec go(State.t(), PgEtf.Lsn.t()) :: {:ok, State.t()}
  def go(session, seen) when runs(session) do
    case BackfillsKept.outdated?(session) do
      true -> {:ok, start_again(session)}
      false -> go_on(session, seen)
      {:error, error} -> fail(session, error)
    end
  end

  def go(session, _seen), do: {:ok, session}

  defp go_on(session, seen) do
    with {:ok, lsn} <- Start.position(session),
         :ok <- session.client.command(session.conn, {:go, lsn || 0, seen}) do
      {:ok, %{session | stored: lsn}}
    else
      :busy -> {:ok, tap(session, &State.schedule(&1, {:free, seen}, @busy_pause))}
      {:error, error} -> fail(session, error)
    end
  end

  @doc "Instead of a start: why there is none."
  @spec fail(State.t(), Error.t()) :: {:ok, State.t()}
  def fail(%State{} = session, error) do
    session |> disconnect(session.opts[:shutdown_timeout]) |> down(error)
  end

  @doc "The position to start at next, nil for that of the slot."
  @spec start_at(State.t(), PgEtf.Lsn.t() | nil) :: State.t()
  def start_at(%State{opts: opts} = session, lsn) do
    %{session | opts: Keyword.put(opts, :start_position, fn -> lsn end)}
  end

  # What belongs to one incarnation, empty.
  defp reset(session) do
    inbox = Inbox.new(session.opts, session.history, session.resumed)

    %{
      session
      | inbox: Backfills.listen(inbox, session.opts),
        held: nil,
        requeue: Requeue.new(session.opts),
        backfills: Backfills.reset(session.backfills),
        commits: Tally.commits(),
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
  @spec take(State.t(), non_neg_integer) :: {[Inbox.item()], State.t()}
  def take(%State{} = session, demand) do
    demand = if State.draining?(session), do: 0, else: demand
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
      {items, session |> Health.advance(inbox.position) |> confirm() |> Schema.halt()}
    end
  end

  @doc "The same, but failed messages are delivered again before anything else."
  @spec take_in_order(State.t(), non_neg_integer) :: {[Inbox.item()], State.t()}
  def take_in_order(%State{requeue: requeue} = session, demand) do
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
  @spec ack(State.t(), reference, [AckTracker.seq()], [Failure.t()]) :: State.t()
  def ack(%State{incarnation: incarnation} = session, incarnation, seqs, []) do
    acked(session, seqs)
  end

  def ack(%State{incarnation: incarnation} = session, incarnation, seqs, failures) do
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

    confirm(%{session | inbox: inbox, requeue: requeue, moved_at: Health.now()})
  end

  defp confirm(session) do
    session |> Backfills.confirm() |> Flush.soon() |> Account.replenish()
  end

  @doc "Whether fewer changes than this are queued, and more may arrive."
  @spec filling?(State.t(), pos_integer) :: boolean
  def filling?(%State{inbox: inbox, requeue: requeue}, count) do
    inbox.queued > 0 and inbox.queued < count and Inbox.open?(inbox) and
      not Requeue.open?(requeue)
  end

  @doc "Does what a user asks for about backfills."
  @spec backfill(State.t(), tuple) :: {term, State.t()}
  defdelegate backfill(session, command), to: Backfills, as: :command

  @doc "How many changes wait to be handed out."
  @spec queued(State.t()) :: non_neg_integer
  def queued(%State{inbox: inbox}), do: inbox.queued

  @doc "Whether something was handed out and not acknowledged."
  @spec in_flight?(State.t()) :: boolean
  def in_flight?(%State{inbox: inbox}), do: Inbox.in_flight(inbox) > 0

  defp halt(session, error) do
    session |> disconnect(session.opts[:shutdown_timeout]) |> reset() |> Ends.halt(error)
  end

  @doc "Whether it is halted, but goes on by resume/2 where it is."
  @spec held?(State.t()) :: boolean
  def held?(%State{held: status}), do: status != nil

  @doc "Resumes after a halt, from the confirmed position, or behind the change of a table."
  @spec resume(State.t(), keyword) :: {:ok, State.t()}
  def resume(%State{held: status} = session, _opts) when status != nil do
    case Schema.resume(session) do
      {:ok, session} -> {:ok, session}
      {:error, error} -> {:ok, retry(session, error)}
    end
  end

  def resume(%State{status: :halted, error: error} = session, opts) do
    anew? = opts[:create_slot] == true and error.class in [:slot_missing, :slot_lost]
    connect(%{session | log: Log.reset(session.log), anew?: anew?})
  end

  def resume(session, _opts), do: {:ok, session}

  @doc "Restarts the stream from the confirmed position: what is in flight is delivered again."
  @spec retry(State.t(), Error.t()) :: State.t()
  def retry(%State{} = session, error) do
    session |> disconnect(session.opts[:shutdown_timeout]) |> reset() |> Ends.back_off(error)
  end

  @doc "Changes options: what is in flight is delivered again, or not any more."
  @spec update(State.t(), keyword) :: {:ok | {:error, String.t()}, State.t()}
  def update(%State{} = session, changes) do
    case Updates.merge(session.opts, changes) do
      {:ok, opts} ->
        Updates.keep(session.start, changes)
        log_changed(opts, Keyword.keys(changes))
        {:ok, start_again(%{session | opts: opts})}

      {:error, message} ->
        {{:error, message}, session}
    end
  end

  # One that is halted, or was never connected, has its next start before it.
  defp start_again(%State{status: status} = session)
       when runs(session) or status in [:reconnecting, :open_circuit] do
    session = session |> disconnect(session.opts[:shutdown_timeout]) |> reset()
    session = %{session | incarnation: make_ref()}
    tap(session, &State.schedule(&1, :connect, 0))
  end

  defp start_again(session), do: session

  defp log_changed(_opts, []), do: :ok

  defp log_changed(opts, names) do
    names = Enum.map_join(names, ", ", &inspect/1)
    Logger.info("#{Log.label(opts)}: with options as PgEtf.update/2 has changed them: #{names}")
  end

  ## Messages

  @doc """
  Handles a message to the owner. `:unknown` when it is not for the session; after
  `:ok` there may be more to take.
  """
  @spec handle_info(State.t(), term) ::
          {:ok, State.t()} | {:stop, Error.t(), State.t()} | :unknown
  def handle_info(%State{} = session, {State, incarnation, message}) do
    if incarnation == session.incarnation do
      handle_timer(session, message)
    else
      {:ok, session}
    end
  end

  def handle_info(session, message) when runs(session) do
    case session.client.handle_message(session.conn, message) do
      {:packet, packet} -> %{session | heard?: true} |> Packets.take(packet) |> taken(session)
      {:down, error} -> session |> disconnect(0) |> down(error)
      :unknown -> :unknown
    end
  end

  def handle_info(_session, _message), do: :unknown

  defp taken({:ok, session}, _before), do: {:ok, session}
  defp taken({:error, error}, session), do: session |> disconnect(0) |> down(error)
  defp taken({:again, error}, session), do: session |> disconnect(0) |> again(error)

  defp handle_timer(session, :connect), do: connect(session)
  defp handle_timer(session, {:free, seen}), do: go(session, seen)
  defp handle_timer(session, {:stop, error}), do: {:stop, error, session}

  defp handle_timer(session, :flush), do: {:ok, Flush.soon(%{session | flush_timer: nil})}
  defp handle_timer(session, _message) when not runs(session), do: {:ok, session}

  defp handle_timer(session, :backfills), do: {:ok, Backfills.send_all(session)}

  defp handle_timer(session, {:again, seqs}) do
    {:ok, %{session | requeue: Requeue.ready(session.requeue, seqs)}}
  end

  defp handle_timer(%State{heard?: false} = session, :heartbeat) do
    error = %Error{class: :port, message: "pg_etf_client does not answer"}
    session |> disconnect(0) |> down(error)
  end

  defp handle_timer(session, :heartbeat) do
    session = Account.request_stats(session)
    State.schedule(session, :heartbeat, session.opts[:stats_interval])
    {:ok, %{session | heard?: false}}
  end

  defp handle_timer(session, :watch) do
    State.schedule(session, :watch, div(session.opts[:stall_after], @stall_checks))
    {:ok, Health.watch(session)}
  end

  ## Ends

  defp down(session, error), do: ended(session, error, &Ends.down/2)

  # Whatever the class is: a new program mends it.
  defp again(session, error), do: ended(session, error, &Ends.back_off/2)

  defp ended(%State{phase: :closed} = session, _error, _then), do: {:ok, session}
  defp ended(session, error, then), do: {:ok, session |> reset() |> then.(error)}

  defp disconnect(session, timeout) when runs(session) do
    session = Flush.now(session)
    session.client.close(session.conn, timeout)
    phase = if session.phase == :draining, do: :closed, else: :idle
    %{session | phase: phase, conn: nil, flush_timer: nil, status: :disconnected}
  end

  defp disconnect(session, _timeout), do: session

  @doc "Hands out no more; what is handed out may still be acknowledged."
  @spec drain(State.t()) :: State.t()
  def drain(%State{phase: :open} = session), do: %{session | phase: :draining}
  def drain(%State{phase: :idle} = session), do: %{session | phase: :closed}
  def drain(%State{} = session), do: session

  @doc "Confirms the last position and ends the client program."
  @spec close(State.t()) :: State.t()
  def close(%State{} = session) do
    session |> drain() |> disconnect(session.opts[:shutdown_timeout])
  end
end
