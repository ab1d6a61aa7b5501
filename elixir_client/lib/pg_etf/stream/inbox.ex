defmodule PgEtf.Stream.Inbox do
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
  # sides count alike, so that the totals can be compared: see docs/port.md.
  #
  # Pure data: no process, no clock. The session owns the struct.

  alias PgEtf.{Frame, Lsn, Prepared, SchemaHistory}
  alias PgEtf.Client.Settings
  alias PgEtf.Decode.Deferred

  alias PgEtf.Stream.{
    AckTracker,
    Assembly,
    Callback,
    Credit,
    FrameOrder,
    Halt,
    MovedKeys,
    Reads,
    Structs
  }

  alias __MODULE__

  # opts         those options of the stream that matter here: a small map, since each
  #              message asks for some
  # queue        in the order of arrival:
  #              {:messages, list, changes in each} | {:passed, bytes, end_lsn or nil} |
  #              {:position, lsn} | {:halt, change}, behind which nothing is taken |
  #              {:chunk, id, number} | {:keys, number}, likewise until they are kept
  # building     the transaction that is put together, see PgEtf.Stream.Assembly
  # partial      the transaction that is not complete, see PgEtf.Stream.FrameOrder
  # received     {changes, bytes} that have come
  # granted      {changes, bytes} that may have come; less by one frame at most
  # queued       changes that wait to be taken
  # waiting      bytes of the frames that they came in
  # held         bytes of all frames that are not acknowledged
  # sizes        frames handed out: {number after the last message, bytes}
  # position     passed without a transaction, and not for the consumer to store
  # exception    of the function that stores positions: nothing continues after it
  # commit_us    commit time of the last frame, in microseconds
  # met          tables that were described and not reported yet, and texts about their rows
  # altered      changes of tables, likewise
  # halting      the last one behind which the stream halts, as long as its place may go on
  # halt         where it has halted; resumed, where it does not again
  # reads        tables that are being read, see PgEtf.Stream.Reads
  # keys         of rows that moved meanwhile, see PgEtf.Stream.MovedKeys
  defstruct [
    :opts,
    :decoder,
    :building,
    :partial,
    :position,
    :exception,
    :commit_us,
    :granted,
    :reads,
    :halting,
    :halt,
    keys: %MovedKeys{},
    resumed: [],
    met: [],
    altered: [],
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
    :deferred,
    :into,
    :keys,
    :max_in_flight,
    :max_transaction_changes,
    :on_exception,
    :on_schema_change,
    :prefetch,
    :split_key_changes,
    :start_position,
    :store_position,
    :traceparent,
    :types,
    :unit,
    :window_bytes
  ]

  @type t :: %Inbox{}
  @type total :: {events :: non_neg_integer, bytes :: non_neg_integer}
  @type item :: {data :: term, AckTracker.seq()}

  @doc "An empty inbox; the client begins with all the credit that there may be."
  @spec new(keyword, SchemaHistory.t() | nil, [Halt.place()]) :: t
  def new(opts, history \\ nil, resumed \\ []) do
    {_events, first_bytes} = credit = Settings.credit(opts)
    opts = opts |> Keyword.take(@options) |> Map.new()

    %Inbox{
      opts: Map.put(opts, :first_bytes, first_bytes),
      decoder: opts |> Keyword.new() |> Keyword.put(:history, history) |> Frame.stream_decoder(),
      resumed: resumed,
      granted: credit
    }
  end

  ## Arriving

  @doc "Adds the frames of a packet of a given size; returns the number of changes."
  @spec put(t, [term], non_neg_integer) :: {:ok, t, non_neg_integer} | {:error, String.t()}
  def put(%Inbox{} = inbox, frames, bytes) do
    share = div(bytes, max(length(frames), 1))

    with {:ok, inbox, events} <- put(frames, inbox, 0, bytes, share) do
      received = add(inbox.received, {events, bytes})
      {:ok, %{inbox | received: received, held: inbox.held + bytes}, events}
    end
  end

  defp add({events, bytes}, {more, more_bytes}), do: {events + more, bytes + more_bytes}

  # Frames of a packet are of about one size; the last gets what is left over.
  defp put([term | terms], inbox, events, bytes, share) do
    share = if terms == [], do: bytes, else: share

    with {:ok, frame, decoder} <-
           Frame.decode(inbox.decoder, term, FrameOrder.seen(inbox.partial, term)),
         :ok <- FrameOrder.check(inbox.partial, frame) do
      frame = finish(inbox, frame, decoder)
      reads = fold(inbox, frame, decoder)
      {frame, misfits} = Structs.load(frame, inbox.opts.into)

      inbox =
        %{await_keys(inbox, reads) | decoder: decoder, reads: reads}
        |> add_described(decoder.met ++ misfits)
        |> track_partial(frame)
        |> enqueue(frame, share)

      put(terms, inbox, events + frame.count, bytes - share, share)
    end
  end

  defp put([], inbox, events, _bytes, _share), do: {:ok, inbox, events}

  # Where the consumer stores positions.
  defp await_keys(%Inbox{opts: opts, keys: keys} = inbox, reads) do
    case opts[:start_position] && MovedKeys.moved(keys, inbox.reads, reads) do
      nil -> inbox
      number -> push(%{inbox | keys: MovedKeys.await(keys, number)}, {:keys, number})
    end
  end

  # Where somebody looks into changes before they are handed out.
  defp finish(_inbox, frame, %{deferred: nil}), do: frame
  defp finish(%Inbox{reads: nil, halting: nil}, frame, %{altered: []}), do: frame

  defp finish(_inbox, frame, _decoder) do
    %{frame | changes: Enum.map(frame.changes, &Deferred.finish/1)}
  end

  defp fold(%Inbox{reads: nil}, _frame, _decoder), do: nil
  defp fold(inbox, frame, decoder), do: Reads.fold(inbox.reads, frame, inbox.decoder, decoder)

  defp add_described(inbox, []), do: inbox
  defp add_described(inbox, relations), do: %{inbox | met: relations ++ inbox.met}

  defp track_partial(inbox, %Frame{} = frame) do
    %{inbox | commit_us: frame.commit_us, partial: FrameOrder.next(inbox.partial, frame)}
  end

  @doc "The server is here, and nothing is in flight."
  @spec put_position(t, PgEtf.Lsn.t()) :: t
  def put_position(%Inbox{} = inbox, lsn), do: push(inbox, {:position, lsn})

  ## From frames to messages

  defp enqueue(%{halting: nil, decoder: %{altered: []}} = inbox, frame, bytes) do
    enqueue_whole(inbox, frame, bytes)
  end

  defp enqueue(%{opts: %{on_schema_change: policy}} = inbox, frame, bytes) do
    halts? = &Halt.halts?(&1, policy, inbox.resumed)
    {pieces, halting} = Halt.cut(frame, inbox.halting, halts?)
    inbox = %{inbox | halting: halting, altered: inbox.decoder.altered ++ inbox.altered}
    enqueue_pieces(pieces, inbox, bytes)
  end

  defp enqueue_pieces([last], inbox, bytes), do: enqueue_whole(inbox, last, bytes)

  defp enqueue_pieces([{:halt, _} = halt | pieces], inbox, bytes) do
    enqueue_pieces(pieces, inbox |> end_part() |> push(halt), bytes)
  end

  defp enqueue_pieces([piece | pieces], inbox, bytes),
    do: enqueue_pieces(pieces, enqueue_whole(inbox, piece, 0), bytes)

  defp end_part(%{building: nil} = inbox), do: inbox
  defp end_part(inbox), do: inbox.building |> Assembly.cut() |> push_parts(inbox)

  defp enqueue_whole(inbox, %Frame{} = frame, bytes) do
    case inbox.opts.unit do
      :change ->
        inbox |> push_messages(frame.changes, 1) |> push_passed(bytes, Frame.closes(frame))

      :transaction ->
        build(inbox, frame, bytes)
    end
  end

  @doc "Adds an entry: see above."
  @spec push(t, term) :: t
  def push(inbox, entry), do: %{inbox | queue: :queue.in(entry, inbox.queue)}

  @doc "Ends a frame of so many bytes, and perhaps a transaction."
  @spec push_passed(t, non_neg_integer, Lsn.t() | nil) :: t
  def push_passed(inbox, bytes, end_lsn) do
    push(%{inbox | waiting: inbox.waiting + bytes}, {:passed, bytes, end_lsn})
  end

  @doc "Adds messages, each of which stands for so many changes."
  @spec push_messages(t, [term], non_neg_integer) :: t
  def push_messages(inbox, [], _weight), do: inbox

  def push_messages(inbox, messages, weight) do
    queued = inbox.queued + weight * length(messages)
    push(%{inbox | queued: queued}, {:messages, messages, weight})
  end

  defp build(inbox, %Frame{decision: %Prepared{} = decision, end_lsn: end_lsn}, bytes) do
    inbox |> push_messages([decision], 1) |> push_passed(bytes, end_lsn)
  end

  # What is repeated is not part of a transaction, and neither is the trace of nothing.
  defp build(inbox, %Frame{part: part, changes: []} = frame, bytes)
       when part in [:first, :middle] or
              (part == :whole and frame.prepared == nil and frame.count > 0) do
    push_passed(inbox, bytes, Frame.closes(frame))
  end

  defp build(inbox, frame, bytes) do
    inbox.building |> Assembly.add(frame, bytes, inbox.opts) |> push_parts(inbox)
  end

  defp push_parts({parts, building}, inbox) do
    Enum.reduce(parts, %{inbox | building: building}, fn {part, count, size, end_lsn}, inbox ->
      inbox |> push_messages([part], count) |> push_passed(size, end_lsn)
    end)
  end

  ## Handing out

  @doc "Takes up to this many messages."
  @spec take(t, non_neg_integer) :: {[item], t}
  def take(%Inbox{} = inbox, demand) do
    {items, inbox} = take(inbox, min(demand, room(inbox)), [])
    {:lists.reverse(items), release(inbox)}
  end

  defp room(%Inbox{tracker: %{next: next, low: low}, opts: opts}),
    do: max(opts.max_in_flight - (next - low), 0)

  # Ends of frames and transactions are passed even without demand: a position may need it.
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

      {:value, {:keys, number}} ->
        if MovedKeys.kept?(inbox.keys, inbox.reads, number),
          do: inbox |> drop() |> take(demand, items),
          else: {items, inbox}

      {:value, {:halt, change}} ->
        {items, %{inbox | halt: change}}

      {:value, {:chunk, _id, _number} = chunk} ->
        inbox |> drop() |> close(chunk) |> take(demand, items)

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

  @doc "Continues behind the halt, and does not halt at these places again."
  @spec go_on(t, [Halt.place()]) :: t
  def go_on(%Inbox{} = inbox, resumed), do: %{drop(inbox) | halt: nil, resumed: resumed}

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

  @doc "The credit that is due, as totals; nil while there is enough."
  @spec due(t) :: total | nil
  defdelegate due(inbox), to: Credit

  @doc "Whether more may come before something is acknowledged."
  @spec open?(t) :: boolean
  defdelegate open?(inbox), to: Credit

  @doc "The client knows of these totals, or will."
  @spec grant(t, total) :: t
  def grant(%Inbox{} = inbox, total), do: %{inbox | granted: total}

  @spec gauges(t) :: map
  defdelegate gauges(inbox), to: Credit
end
