defmodule PgEtf.Session do
  @moduledoc false
  # A stream as its owner sees it: messages to hand out, acknowledgements that
  # come back, a position that moves. PgEtf.Producer and PgEtf.Consumer are thin
  # processes around this struct; it has none of its own, but the client it opens
  # sends its messages to the process that calls connect/1.
  #
  # Each run of the client program is an incarnation. What the program restarts
  # from is the slot's confirmed position, so everything that belongs to an
  # incarnation (queue, tracker, decoder, credit) is dropped together, and late
  # acknowledgements are known by its reference.
  #
  # Frames wait in the queue until they are taken. They count against the window
  # from their arrival to the acknowledgement of all their messages, so what the
  # owner, its consumers and their mailboxes hold together is bounded.

  alias PgEtf.{AckTracker, Error, Frame, Options, Telemetry, Transaction}
  alias __MODULE__

  require Logger

  @flush_interval 50
  @stall_checks 4

  defmodule Window do
    @moduledoc false
    # What may still arrive, and what has arrived and is not acknowledged.
    #
    # events, bytes  credit left at the client
    # queued         changes that wait to be taken
    # held           bytes of all frames that are not acknowledged
    # sizes          frames handed out: where each ends, and its bytes

    defstruct events: 0, bytes: 0, queued: 0, held: 0, sizes: :queue.new()
  end

  # A crash report shows this struct: it must tell no password, and no rows.
  @derive {Inspect,
           only: [:status, :client, :incarnation, :flushed, :position, :attempts, :error]}
  defstruct [
    :opts,
    :client,
    :conn,
    :incarnation,
    :decoder,
    :tracker,
    :window,
    :queue,
    :building,
    :partial,
    :position,
    :error,
    :stall,
    :lag,
    :system_identifier,
    status: :disconnected,
    sent: nil,
    flush_timer: nil,
    heard?: true,
    attempts: 0,
    flushed: nil,
    draining?: false,
    caught_up?: false,
    stats: %{}
  ]

  @type t :: %Session{}
  @type item :: {data :: term, AckTracker.seq()}
  @type failure :: {AckTracker.seq(), :ack | :retry | :halt}

  @doc "A session with validated options, not connected."
  @spec new(keyword) :: t
  def new(opts) do
    Telemetry.load()
    forget(%Session{opts: opts, client: opts[:client]})
  end

  @doc "Starts the client program. The outcome arrives as messages to the caller."
  @spec connect(t) :: {:ok, t} | {:stop, Error.t(), t}
  def connect(%Session{conn: nil} = session) do
    session = %{forget(session) | incarnation: make_ref()}

    case session.client.open(settings(session), session.opts) do
      {:ok, conn} ->
        schedule(session, :heartbeat, session.opts[:heartbeat])
        schedule(session, :watch, div(session.opts[:stall_after], @stall_checks))

        {:ok,
         %{
           session
           | conn: conn,
             status: :connecting,
             heard?: true,
             window: %Window{
               events: session.opts[:prefetch],
               bytes: session.opts[:window_bytes]
             }
         }}

      {:error, error} ->
        down(session, error)
    end
  end

  @doc "The position to start at next, nil for that of the slot."
  @spec start_at(t, PgEtf.Lsn.t() | nil) :: t
  def start_at(%Session{opts: opts} = session, lsn) do
    %{session | opts: Keyword.put(opts, :start_position, fn -> lsn end)}
  end

  defp settings(%Session{system_identifier: nil, opts: opts}), do: Options.start_settings(opts)

  defp settings(%Session{system_identifier: id, opts: opts}) do
    opts |> Options.start_settings() |> Map.put(:system_identifier, id)
  end

  # What belongs to one incarnation, empty.
  defp forget(session) do
    %{
      session
      | decoder: Frame.decoder(keys: session.opts[:keys]),
        tracker: AckTracker.new(),
        window: %Window{},
        queue: :queue.new(),
        building: nil,
        partial: nil,
        sent: nil,
        stall: nil,
        caught_up?: false
    }
  end

  ## Handing out

  @doc """
  Takes up to so many messages, for which there is demand.
  """
  @spec take(t, non_neg_integer) :: {[item], t}
  def take(%Session{} = session, demand) do
    demand = if session.draining?, do: 0, else: min(demand, room(session))
    {items, session} = take(session, demand, [])
    {:lists.reverse(items), session |> confirm() |> replenish()}
  end

  defp room(%Session{tracker: tracker, opts: opts}) do
    max(opts[:max_in_flight] - (tracker.next - tracker.low), 0)
  end

  # Ends of frames and transactions are passed even without demand: they cost
  # nothing, and a position may depend on them.
  defp take(session, demand, items) do
    case :queue.peek(session.queue) do
      {:value, {:message, data, events}} when demand > 0 ->
        {seq, tracker} = AckTracker.open(session.tracker)
        window = %{session.window | queued: session.window.queued - events}
        session = %{drop(session) | tracker: tracker, window: window}
        take(session, demand - 1, [{data, seq} | items])

      {:value, {:close, end_lsn}} ->
        session = %{drop(session) | tracker: AckTracker.close(session.tracker, end_lsn)}
        take(session, demand, items)

      {:value, {:size, bytes}} ->
        sizes = :queue.in({session.tracker.next, bytes}, session.window.sizes)
        session = %{drop(session) | window: %{session.window | sizes: sizes}}
        take(session, demand, items)

      {:value, {:position, lsn}} ->
        take_position(session, lsn, demand, items)

      _ ->
        {items, session}
    end
  end

  defp take_position(%Session{opts: opts} = session, lsn, demand, items) do
    case opts[:store_position] do
      nil ->
        take(at(drop(session), lsn), demand, items)

      :deliver when demand > 0 and items == [] ->
        {seq, tracker} = AckTracker.open(session.tracker)
        {[{{:position, lsn}, seq}], %{drop(session) | tracker: AckTracker.close(tracker, lsn)}}

      :deliver ->
        {items, session}

      store ->
        store.(lsn)
        tracker = AckTracker.close(session.tracker, lsn)
        take(%{at(drop(session), lsn) | tracker: tracker}, demand, items)
    end
  end

  defp drop(session), do: %{session | queue: :queue.drop(session.queue)}

  ## Acknowledging

  @doc """
  Takes acknowledgements. Those of an earlier incarnation are dropped: what they
  belong to comes again.
  """
  @spec ack(t, reference, [AckTracker.seq()], [failure]) :: t
  def ack(%Session{incarnation: incarnation} = session, incarnation, seqs, failures) do
    count_failures(session, failures)

    case worst(failures) do
      :halt -> session |> acked(seqs) |> halt()
      :retry -> session |> acked(seqs) |> retry()
      :ack -> acked(session, Enum.map(failures, &elem(&1, 0)) ++ seqs)
    end
  end

  def ack(session, _incarnation, _seqs, _failures), do: session

  defp acked(session, []), do: session

  defp acked(session, seqs) do
    %{session | tracker: AckTracker.ack(session.tracker, seqs)}
    |> confirm()
    |> replenish()
  end

  defp worst(failures) do
    actions = Enum.map(failures, &elem(&1, 1))

    cond do
      :halt in actions -> :halt
      :retry in actions -> :retry
      true -> :ack
    end
  end

  defp count_failures(_session, []), do: :ok

  defp count_failures(session, failures) do
    for {action, count} <- Enum.frequencies_by(failures, &elem(&1, 1)) do
      telemetry(session, [:failure], %{count: count}, %{action: action})
    end
  end

  @doc "Ends the stream where it is and keeps the slot; resume/1 goes on."
  @spec halt(t) :: t
  def halt(%Session{} = session) do
    Logger.error("#{label(session)}: halted by a failed message; the slot stays where it is")
    session = disconnect(session, session.opts[:shutdown_timeout])
    set_status(%{session | incarnation: nil}, :halted, %{})
  end

  @doc "Goes on after a halt, from the confirmed position."
  @spec resume(t) :: {:ok, t} | {:stop, Error.t(), t}
  def resume(%Session{status: :halted} = session), do: connect(session)
  def resume(session), do: {:ok, session}

  defp retry(session) do
    error = %Error{class: :retry, message: "a message failed and is to be retried"}
    session |> disconnect(session.opts[:shutdown_timeout]) |> back_off(error)
  end

  # A moved position goes out at once, the following ones at intervals: what is
  # acknowledged in between is summed up.
  defp confirm(%Session{tracker: %{flushed: flushed}, sent: flushed} = session), do: session
  defp confirm(%Session{flush_timer: timer} = session) when timer != nil, do: session
  defp confirm(%Session{conn: nil} = session), do: session

  defp confirm(%Session{tracker: %{flushed: flushed}} = session) do
    send_flushed(%{session | flush_timer: schedule(session, :flush, @flush_interval)}, flushed)
  end

  defp send_flushed(session, flushed) do
    case session.client.command(session.conn, {:flushed, flushed}) do
      :ok ->
        in_flight = AckTracker.in_flight(session.tracker)
        telemetry(session, [:flush], %{lsn: flushed, in_flight: in_flight}, %{})
        %{session | sent: flushed, flushed: flushed, attempts: 0} |> at(flushed)

      :busy ->
        session
    end
  end

  ## Credit

  # Granted in halves of the window, not for every message.
  defp replenish(%Session{conn: nil} = session), do: session
  defp replenish(%Session{draining?: true} = session), do: session

  defp replenish(%Session{opts: opts} = session) do
    window = release(session.window, session.tracker.low)
    events = missing(opts[:prefetch], window.events + window.queued)
    bytes = missing(opts[:window_bytes], window.bytes + window.held)

    if (events > 0 or bytes > 0) and
         session.client.command(session.conn, {:credit, events, bytes}) == :ok do
      window = %{window | events: window.events + events, bytes: window.bytes + bytes}
      %{session | window: window}
    else
      %{session | window: window}
    end
  end

  defp missing(full, there) when 2 * there > full, do: 0
  defp missing(full, there), do: full - there

  defp release(%Window{sizes: sizes} = window, low) do
    case :queue.peek(sizes) do
      {:value, {past, bytes}} when past <= low ->
        release(%{window | sizes: :queue.drop(sizes), held: window.held - bytes}, low)

      _ ->
        window
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
      {:packet, packet} -> handle_packet(%{session | heard?: true}, packet)
      {:down, error} -> session |> disconnect(0) |> down(error)
      :unknown -> :unknown
    end
  end

  defp handle_timer(session, :connect) do
    if session.conn, do: {:ok, session}, else: connect(session)
  end

  defp handle_timer(session, :flush), do: {:ok, confirm(%{session | flush_timer: nil})}
  defp handle_timer(%Session{conn: nil} = session, _message), do: {:ok, session}

  defp handle_timer(%Session{heard?: false} = session, :heartbeat) do
    error = %Error{class: :port, message: "pg_etf_client does not answer"}
    session |> disconnect(0) |> down(error)
  end

  defp handle_timer(session, :heartbeat) do
    session.client.command(session.conn, :stats)
    schedule(session, :heartbeat, session.opts[:heartbeat])
    {:ok, %{session | heard?: false}}
  end

  defp handle_timer(session, :watch) do
    schedule(session, :watch, div(session.opts[:stall_after], @stall_checks))
    {:ok, watch(session)}
  end

  # An acknowledgement that never comes (a handler that hangs, a message that was
  # thrown away) holds the slot for ever and looks like nothing at all.
  defp watch(%Session{tracker: tracker, stall: {low, since}} = session)
       when tracker.low == low and tracker.next > low do
    age = now() - since

    if age >= session.opts[:stall_after] do
      in_flight = AckTracker.in_flight(tracker)
      telemetry(session, [:stall], %{age: age, in_flight: in_flight}, %{})

      Logger.warning(
        "#{label(session)}: a message waits for its acknowledgement since #{div(age, 1000)} s, " <>
          "#{in_flight} are in flight"
      )
    end

    session
  end

  defp watch(session), do: %{session | stall: {session.tracker.low, now()}}

  ## Packets

  defp handle_packet(session, packet) do
    case Frame.to_term(packet) do
      {:ok, frames} when is_list(frames) -> handle_frames(session, frames, byte_size(packet))
      {:ok, report} -> handle_report(session, report)
      :error -> protocol_error(session, "a packet holds what no packet may hold")
    end
  end

  defp handle_frames(session, frames, bytes) do
    started = System.monotonic_time()
    telemetry(session, [:decode, :start], %{system_time: System.system_time(), bytes: bytes}, %{})

    case decode(session, frames, bytes) do
      {:ok, session, events} ->
        measurements = %{
          duration: System.monotonic_time() - started,
          bytes: bytes,
          events: events,
          lag: session.lag
        }

        telemetry(session, [:decode, :stop], measurements, %{})
        {:ok, replenish(session)}

      {:error, reason} ->
        protocol_error(session, reason)
    end
  end

  defp decode(session, frames, bytes) do
    %Window{} = window = session.window
    window = %{window | bytes: window.bytes - bytes, held: window.held + bytes}
    share = div(bytes, max(length(frames), 1))
    decode(frames, %{session | window: window}, 0, bytes, share)
  end

  # Frames of a packet are of about one size; the last gets what is left over.
  defp decode([term | terms], session, events, bytes, share) do
    share = if terms == [], do: bytes, else: share

    case Frame.decode(session.decoder, term, seen(session.partial, term)) do
      {:ok, frame, decoder} ->
        session = %{session | decoder: decoder} |> account(frame) |> enqueue(frame, share)
        decode(terms, session, events + frame.count, bytes - share, share)

      {:error, reason} ->
        {:error, reason}
    end
  end

  defp decode([], session, events, _bytes, _share), do: {:ok, session, events}

  # After a reconnect inside a transaction it comes again from its first event.
  defp seen({commit_lsn, next}, {:tx, _, {_, commit_lsn, _, _}, _, _, _, _}), do: next
  defp seen(_partial, _term), do: 0

  defp account(session, %Frame{} = frame) do
    %Window{} = window = session.window

    %{
      session
      | window: %{window | events: window.events - frame.count},
        lag: lag(frame.commit_time, session.lag),
        partial: partial(session.partial, frame)
    }
  end

  defp partial(_partial, %Frame{part: part}) when part in [:whole, :last], do: nil

  defp partial({commit_lsn, next}, %Frame{commit_lsn: commit_lsn} = frame) do
    {commit_lsn, max(next, frame.first_index + frame.count)}
  end

  defp partial(_partial, frame), do: {frame.commit_lsn, frame.first_index + frame.count}

  ## From frames to messages

  defp enqueue(session, %Frame{end_lsn: nil, changes: [message]}, bytes) do
    session
    |> push({:message, unit(message, session.opts[:unit]), 1})
    |> push({:size, bytes})
    |> push({:close, message.commit_lsn})
  end

  defp enqueue(session, %Frame{} = frame, bytes) do
    case session.opts[:unit] do
      :change ->
        frame.changes
        |> Enum.reduce(session, &push(&2, {:message, &1, 1}))
        |> push({:size, bytes})
        |> close(frame)

      :transaction ->
        build(session, frame, bytes)
    end
  end

  # A message outside of transactions, where transactions are asked for.
  defp unit(change, :change), do: change

  defp unit(change, :transaction) do
    %Transaction{
      xid: nil,
      commit_lsn: change.commit_lsn,
      end_lsn: nil,
      commit_time: nil,
      changes: [change]
    }
  end

  defp push(session, {:message, _, events} = entry) do
    window = %{session.window | queued: session.window.queued + events}
    %{session | queue: :queue.in(entry, session.queue), window: window}
  end

  defp push(session, entry), do: %{session | queue: :queue.in(entry, session.queue)}

  defp close(session, %Frame{part: part, end_lsn: end_lsn}) when part in [:whole, :last] do
    push(session, {:close, end_lsn})
  end

  defp close(session, _frame), do: session

  # A transaction is put together until it ends or is too large: in changes, or
  # in bytes, of which no more would come once the window is full.
  defp build(session, frame, bytes) do
    {building, changes, size} = session.building || {new_transaction(frame), [], 0}
    changes = Enum.reduce(frame.changes, changes, &[&1 | &2])
    size = size + bytes

    cond do
      frame.part in [:whole, :last] ->
        session
        |> push_transaction(building, changes, size, true)
        |> close(frame)
        |> Map.put(:building, nil)

      length(changes) >= session.opts[:max_transaction_changes] or
          2 * size >= session.opts[:window_bytes] ->
        next = %{building | part: :middle, first_index: frame.first_index + frame.count}

        session
        |> push_transaction(building, changes, size, false)
        |> Map.put(:building, {next, [], 0})

      true ->
        %{session | building: {building, changes, size}}
    end
  end

  defp new_transaction(frame) do
    %Transaction{
      xid: frame.xid,
      commit_lsn: frame.commit_lsn,
      end_lsn: frame.end_lsn,
      commit_time: frame.commit_time,
      origin: Map.get(frame.meta, :origin)
    }
  end

  defp push_transaction(session, transaction, changes, size, last?) do
    part =
      case {transaction.part, last?} do
        {:whole, true} -> :whole
        {:whole, false} -> :first
        {:middle, true} -> :last
        {:middle, false} -> :middle
      end

    events = length(changes)
    transaction = %{transaction | part: part, changes: :lists.reverse(changes)}
    session |> push({:message, transaction, events}) |> push({:size, size})
  end

  ## Reports

  # About the slot, not about the stream.
  defp handle_report(session, {:status, :slot, details}) do
    tell_status(session, :slot, details)
    {:ok, session}
  end

  defp handle_report(session, {:status, status, details}) do
    {:ok, set_status(session, status, details)}
  end

  # Sent only while nothing is in flight. A consumer that stores its positions
  # stores this one like any other: through the queue, where it has a place.
  defp handle_report(session, {:position, lsn}) do
    if session.opts[:start_position] do
      {:ok, push(session, {:position, lsn})}
    else
      {:ok, at(session, lsn)}
    end
  end

  defp handle_report(session, {:stats, stats}) do
    session = %{session | stats: stats}
    telemetry(session, [:stats], Map.merge(stats, gauges(session)), %{})
    {:ok, session}
  end

  defp handle_report(session, {:caught_up, lsn}) do
    tell_status(session, :caught_up, %{lsn: lsn})
    {:ok, %{session | caught_up?: true}}
  end

  defp handle_report(session, {:log, level, text}) do
    Logger.log(log_level(level), "#{label(session)}: #{text}")
    {:ok, session}
  end

  defp handle_report(session, {:fatal, class, details}) do
    error = %Error{
      class: class,
      message: details[:message],
      hint: details[:hint],
      sqlstate: details[:sqlstate]
    }

    session |> disconnect(0) |> down(error)
  end

  # Which events come again is known from the frames themselves.
  defp handle_report(session, {:rewind, _commit_lsn}), do: {:ok, session}
  defp handle_report(session, {:stopped, _lsn}), do: {:ok, session}

  defp handle_report(session, other) do
    protocol_error(session, "an unknown packet: #{inspect(other, limit: 5)}")
  end

  defp at(session, lsn), do: %{session | position: max(lsn, session.position || 0)}

  defp log_level(level) when level in [:debug, :info, :warning, :error], do: level
  defp log_level(_level), do: :info

  # A connection that came back clears the slate, unless it is the messages that
  # fail: those would be tried at full speed for ever.
  defp set_status(%Session{error: %Error{class: class}} = session, :connected, details)
       when class != :retry do
    set_status(%{session | error: nil, attempts: 0}, :connected, details)
  end

  # Positions of one cluster mean nothing in another.
  defp set_status(session, :connected, %{system_identifier: id} = details)
       when session.system_identifier == nil do
    set_status(%{session | system_identifier: id}, :connected, details)
  end

  defp set_status(session, status, details) do
    tell_status(session, status, details)
    %{session | status: status}
  end

  defp tell_status(session, status, details) do
    metadata = %{status: status, details: details}
    telemetry(session, [:status], %{system_time: System.system_time()}, metadata)
  end

  ## Ends

  defp protocol_error(session, reason) do
    error = %Error{
      class: :protocol,
      message: reason,
      hint: "pg_etf_client, the plugin and this library must be of one version."
    }

    session |> disconnect(0) |> down(error)
  end

  defp down(session, error) do
    cond do
      session.draining? ->
        {:ok, session}

      Error.transient?(error) ->
        {:ok, back_off(session, error)}

      true ->
        telemetry(session, [:stop], %{system_time: System.system_time()}, %{error: error})
        {:stop, error, %{session | error: error, status: :stopped}}
    end
  end

  defp back_off(session, error) do
    delay = backoff(session.attempts, session.opts)
    measurements = %{attempt: session.attempts + 1, delay: delay}
    telemetry(session, [:restart], measurements, %{error: error})

    Logger.warning(
      "#{label(session)}: #{Exception.message(error)}; starting again in #{delay} ms"
    )

    session = forget(%{session | incarnation: make_ref(), error: error, status: :backoff})
    schedule(session, :connect, delay)
    %{session | attempts: session.attempts + 1}
  end

  # Half of each pause is random, so that many clients do not come back together.
  defp backoff(attempts, opts) do
    longest = min(opts[:backoff_max], opts[:backoff_min] * 2 ** min(attempts, 20))
    div(longest, 2) + :rand.uniform(div(longest, 2) + 1)
  end

  defp disconnect(%Session{conn: nil} = session, _timeout), do: session

  defp disconnect(session, timeout) do
    if session.tracker.flushed != session.sent do
      send_flushed(session, session.tracker.flushed)
    end

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

  ## Health

  @doc "What PgEtf.info/1 tells."
  @spec info(t) :: map
  def info(%Session{} = session) do
    Map.merge(gauges(session), %{
      status: session.status,
      slot: session.opts[:slot],
      flushed_lsn: session.flushed,
      position: session.position,
      caught_up?: session.caught_up?,
      lag: session.lag,
      error: session.error,
      client: session.stats
    })
  end

  defp gauges(%Session{tracker: tracker, window: window} = session) do
    %{
      in_flight: AckTracker.in_flight(tracker),
      queued: window.queued,
      credit_events: window.events,
      credit_bytes: window.bytes,
      held_bytes: window.held,
      oldest: oldest(session)
    }
  end

  defp oldest(%Session{tracker: %{low: low, next: next}, stall: {low, since}}) when next > low do
    now() - since
  end

  defp oldest(_session), do: 0

  # From the commit to here; clocks of two machines may make it negative.
  defp lag(nil, lag), do: lag

  defp lag(commit_time, _lag) do
    System.system_time(:millisecond) - DateTime.to_unix(commit_time, :millisecond)
  end

  defp telemetry(session, event, measurements, metadata) do
    metadata = Map.merge(metadata, %{slot: session.opts[:slot], name: name(session)})
    Telemetry.execute(event, measurements, metadata)
  end

  defp label(session), do: "PgEtf #{inspect(name(session))} (slot #{session.opts[:slot]})"

  defp name(%Session{opts: opts}), do: opts[:broadway][:name] || opts[:name]

  defp schedule(session, message, delay) do
    Process.send_after(self(), {Session, session.incarnation, message}, delay)
  end

  defp now, do: System.monotonic_time(:millisecond)
end
