defmodule PgEtf.Inbox do
  @moduledoc false
  # What has arrived in one incarnation of a stream and is not acknowledged.
  #
  # Frames become messages that wait in a queue until they are taken. They count
  # against a window from their arrival to the acknowledgement of all their
  # messages, so what the owner, its consumers and their mailboxes hold together is
  # bounded. Credit for the client is what is missing in the window, as far as what
  # waits in the queue is not much: see ahead_bytes.
  #
  # Credit and what came against it are totals since the client program started. Both
  # sides count the same, the changes that frames say they have and the bytes of their
  # packets, so that the totals can be compared: see docs/port.md.
  #
  # Pure data: no process, no clock. The session owns the struct.

  alias PgEtf.{AckTracker, Callback, Assembly, Frame, Lsn}
  alias __MODULE__

  # opts         those options of the stream that matter here: a small map, since each
  #              message asks for some
  # queue        in the order of arrival:
  #              {:messages, list, changes in each} | {:passed, bytes, end_lsn or nil} |
  #              {:position, lsn}
  # building     the transaction that is put together, see PgEtf.Assembly
  # partial      the transaction that is not complete: {commit_lsn, next index}
  # received     {changes, bytes} that have come
  # granted      {changes, bytes} that may have come; less by one frame at most
  # queued       changes that wait to be taken
  # waiting      bytes of the frames that they came in
  # held         bytes of all frames that are not acknowledged
  # sizes        frames handed out: {number after the last message, bytes}
  # position     passed without a transaction, and not for the consumer to store
  # exception    of the function that stores positions: nothing goes on after it
  # commit_us    commit time of the last frame, in microseconds
  # met          tables that were described and are not told of
  defstruct [
    :opts,
    :decoder,
    :building,
    :partial,
    :position,
    :exception,
    :commit_us,
    :granted,
    met: [],
    tracker: AckTracker.new(),
    queue: :queue.new(),
    sizes: :queue.new(),
    received: {0, 0},
    queued: 0,
    waiting: 0,
    held: 0
  ]

  @options [
    :ahead_bytes,
    :keys,
    :max_in_flight,
    :max_transaction_changes,
    :on_exception,
    :prefetch,
    :split_key_changes,
    :store_position,
    :unit,
    :window_bytes
  ]

  @type t :: %Inbox{}
  @type total :: {events :: non_neg_integer, bytes :: non_neg_integer}
  @type item :: {data :: term, AckTracker.seq()}

  @doc "An empty inbox; the client begins with all the credit that there may be."
  @spec new(keyword) :: t
  def new(opts) do
    first_bytes = first_bytes(opts)
    opts = opts |> Keyword.take(@options) |> Map.new()

    %Inbox{
      opts: Map.put(opts, :first_bytes, first_bytes),
      decoder: opts |> Keyword.new() |> Frame.decoder(),
      granted: {opts.prefetch, first_bytes}
    }
  end

  @doc "The bytes that the client begins with."
  @spec first_bytes(keyword) :: pos_integer
  def first_bytes(opts), do: min(opts[:window_bytes], opts[:ahead_bytes])

  ## Arriving

  @doc "Takes in the frames of a packet of so many bytes; tells how many changes."
  @spec put(t, [term], non_neg_integer) :: {:ok, t, non_neg_integer} | {:error, String.t()}
  def put(%Inbox{} = inbox, frames, bytes) do
    share = div(bytes, max(length(frames), 1))

    with {:ok, inbox, events} <- put(frames, inbox, 0, bytes, share) do
      received = add(inbox.received, {events, bytes})
      {:ok, %{inbox | received: received, held: inbox.held + bytes}, events}
    end
  end

  defp add({events, bytes}, {more_events, more_bytes}) do
    {events + more_events, bytes + more_bytes}
  end

  # Frames of a packet are of about one size; the last gets what is left over.
  defp put([term | terms], inbox, events, bytes, share) do
    share = if terms == [], do: bytes, else: share

    with {:ok, frame, decoder} <- Frame.decode(inbox.decoder, term, seen(inbox.partial, term)),
         :ok <- follows(inbox.partial, frame) do
      inbox =
        %{inbox | decoder: decoder}
        |> meet(decoder.met)
        |> account(frame)
        |> enqueue(frame, share)

      put(terms, inbox, events + frame.count, bytes - share, share)
    end
  end

  defp put([], inbox, events, _bytes, _share), do: {:ok, inbox, events}

  # After a reconnect inside a transaction it comes again from its first event.
  defp seen({commit_lsn, next}, {:tx, _, {_, commit_lsn, _, _}, _, _, _, _}), do: next
  defp seen(_partial, _term), do: 0

  defp meet(inbox, []), do: inbox
  defp meet(inbox, relations), do: %{inbox | met: relations ++ inbox.met}

  # Anything else would lose changes, or put them into another transaction.
  defp follows(nil, %Frame{part: part, first_index: 0}) when part in [:whole, :first], do: :ok

  defp follows({commit_lsn, next}, %Frame{commit_lsn: commit_lsn, first_index: first})
       when first <= next,
       do: :ok

  defp follows(partial, frame) do
    {:error, "a frame out of order: #{place(frame)}, after #{place(partial)}"}
  end

  defp place(nil), do: "the end of a transaction"
  defp place({commit_lsn, next}), do: "#{Lsn.to_string(commit_lsn)} up to #{next}"

  defp place(%Frame{} = frame) do
    "#{frame.part} of #{Lsn.to_string(frame.commit_lsn)} from #{frame.first_index}"
  end

  defp account(inbox, %Frame{} = frame) do
    %{
      inbox
      | commit_us: frame.commit_us,
        partial: partial(inbox.partial, frame)
    }
  end

  defp partial(_partial, %Frame{part: part}) when part in [:whole, :last], do: nil

  defp partial({commit_lsn, next}, %Frame{commit_lsn: commit_lsn} = frame) do
    {commit_lsn, max(next, frame.first_index + frame.count)}
  end

  defp partial(_partial, frame), do: {frame.commit_lsn, frame.first_index + frame.count}

  @doc "The server is here, and nothing is in flight."
  @spec put_position(t, PgEtf.Lsn.t()) :: t
  def put_position(%Inbox{} = inbox, lsn), do: push(inbox, {:position, lsn})

  ## From frames to messages

  defp enqueue(inbox, %Frame{} = frame, bytes) do
    case inbox.opts.unit do
      :change ->
        inbox |> push_messages(frame.changes, 1) |> push_passed(bytes, Frame.closes(frame))

      :transaction ->
        build(inbox, frame, bytes)
    end
  end

  defp push(inbox, entry), do: %{inbox | queue: :queue.in(entry, inbox.queue)}

  defp push_passed(inbox, bytes, end_lsn) do
    push(%{inbox | waiting: inbox.waiting + bytes}, {:passed, bytes, end_lsn})
  end

  defp push_messages(inbox, [], _weight), do: inbox

  defp push_messages(inbox, messages, weight) do
    queued = inbox.queued + weight * length(messages)
    push(%{inbox | queued: queued}, {:messages, messages, weight})
  end

  # What comes again is no part of a transaction.
  defp build(inbox, %Frame{part: part, changes: []}, bytes) when part in [:first, :middle] do
    push_passed(inbox, bytes, nil)
  end

  defp build(inbox, frame, bytes) do
    {parts, building} = Assembly.add(inbox.building, frame, bytes, inbox.opts)

    Enum.reduce(parts, %{inbox | building: building}, fn {part, count, size, end_lsn}, inbox ->
      inbox |> push_messages([part], count) |> push_passed(size, end_lsn)
    end)
  end

  ## Handing out

  @doc "Takes up to so many messages."
  @spec take(t, non_neg_integer) :: {[item], t}
  def take(%Inbox{} = inbox, demand) do
    {items, inbox} = take(inbox, min(demand, room(inbox)), [])
    {:lists.reverse(items), release(inbox)}
  end

  defp room(%Inbox{tracker: tracker, opts: opts}) do
    max(opts.max_in_flight - (tracker.next - tracker.low), 0)
  end

  # Ends of frames and transactions are passed even without demand: they cost
  # nothing, and a position may depend on them.
  defp take(inbox, demand, items) do
    case :queue.peek(inbox.queue) do
      {:value, {:messages, messages, weight}} when demand > 0 ->
        {seq, inbox} = drop(inbox) |> open(min(demand, length(messages)))
        {items, rest} = number(messages, seq, inbox.tracker.next, items)
        taken = inbox.tracker.next - seq
        inbox = %{inbox | queued: inbox.queued - taken * weight}
        take(put_back(inbox, rest, weight), demand - taken, items)

      {:value, {:passed, bytes, end_lsn}} ->
        sizes = :queue.in({inbox.tracker.next, bytes}, inbox.sizes)
        inbox = %{drop(inbox) | sizes: sizes, waiting: inbox.waiting - bytes}
        take(close(inbox, end_lsn), demand, items)

      {:value, {:position, lsn}} ->
        take_position(inbox, lsn, demand, items)

      _ ->
        {items, inbox}
    end
  end

  defp number(rest, next, next, items), do: {items, rest}

  defp number([data | rest], seq, next, items) do
    number(rest, seq + 1, next, [{data, seq} | items])
  end

  defp put_back(inbox, [], _weight), do: inbox

  defp put_back(inbox, rest, weight) do
    %{inbox | queue: :queue.in_r({:messages, rest, weight}, inbox.queue)}
  end

  # A position that the consumer stores is a message; one that a function stores is
  # done when this returns.
  defp take_position(%Inbox{opts: opts} = inbox, lsn, demand, items) do
    case opts.store_position do
      nil ->
        take(%{drop(inbox) | position: lsn}, demand, items)

      :deliver when demand > 0 and items == [] ->
        {seq, inbox} = drop(inbox) |> open(1)
        {[{{:position, lsn}, seq}], close(inbox, lsn)}

      :deliver ->
        {items, inbox}

      store ->
        case Callback.run(opts, fn -> store.(lsn) end) do
          {:ok, _} -> take(inbox |> drop() |> close(lsn), demand, items)
          exception -> {items, %{inbox | exception: exception}}
        end
    end
  end

  defp drop(inbox), do: %{inbox | queue: :queue.drop(inbox.queue)}

  defp open(inbox, count) do
    {seq, tracker} = AckTracker.open(inbox.tracker, count)
    {seq, %{inbox | tracker: tracker}}
  end

  defp close(inbox, nil), do: inbox
  defp close(inbox, lsn), do: %{inbox | tracker: AckTracker.close(inbox.tracker, lsn)}

  ## Acknowledging

  @spec ack(t, [AckTracker.seq()]) :: t
  def ack(%Inbox{} = inbox, seqs) do
    release(%{inbox | tracker: AckTracker.ack(inbox.tracker, seqs)})
  end

  defp release(%Inbox{sizes: sizes, tracker: %{low: low}} = inbox) do
    case :queue.peek(sizes) do
      {:value, {past, bytes}} when past <= low ->
        release(%{inbox | sizes: :queue.drop(sizes), held: inbox.held - bytes})

      _ ->
        inbox
    end
  end

  @doc "The position that may be confirmed, nil before the first."
  @spec flushed(t) :: PgEtf.Lsn.t() | nil
  def flushed(%Inbox{tracker: tracker}), do: tracker.flushed

  @spec in_flight(t) :: non_neg_integer
  def in_flight(%Inbox{tracker: tracker}), do: AckTracker.in_flight(tracker)

  @doc "The oldest message that is not acknowledged, nil when there is none."
  @spec oldest(t) :: AckTracker.seq() | nil
  def oldest(%Inbox{tracker: %{low: low, next: next}}), do: if(next > low, do: low)

  ## Credit

  @doc """
  The credit that is due, as totals; nil while there is enough. Half of a window at a
  time, not a little with every message.
  """
  @spec due(t) :: total | nil
  def due(%Inbox{} = inbox) do
    {events, bytes} = left(inbox)
    events = missing_events(inbox, events)
    bytes = missing_bytes(inbox, bytes)
    if events > 0 or bytes > 0, do: add(inbox.granted, {events, bytes})
  end

  defp left(%Inbox{granted: {events, bytes}, received: {came, came_bytes}}) do
    {events - came, bytes - came_bytes}
  end

  @doc "Whether more may come before something is acknowledged."
  @spec open?(t) :: boolean
  def open?(%Inbox{} = inbox) do
    {events, bytes} = left(inbox)
    events > 0 and bytes > 0
  end

  defp missing_events(%Inbox{opts: %{prefetch: prefetch}} = inbox, left) do
    there = left + inbox.queued
    if 2 * there > prefetch, do: 0, else: prefetch - there
  end

  defp missing_bytes(%Inbox{opts: opts} = inbox, left) do
    missing = min(opts.window_bytes - inbox.held, opts.first_bytes - inbox.waiting) - left
    if 2 * missing < opts.first_bytes, do: 0, else: missing
  end

  @doc "The client knows of these totals, or will."
  @spec grant(t, total) :: t
  def grant(%Inbox{} = inbox, total), do: %{inbox | granted: total}

  @spec gauges(t) :: map
  def gauges(%Inbox{received: {received_events, received_bytes}} = inbox) do
    {credit_events, credit_bytes} = left(inbox)

    %{
      in_flight: in_flight(inbox),
      queued: inbox.queued,
      received_events: received_events,
      received_bytes: received_bytes,
      credit_events: credit_events,
      credit_bytes: credit_bytes,
      held_bytes: inbox.held
    }
  end
end
