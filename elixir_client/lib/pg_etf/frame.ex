defmodule PgEtf.Frame do
  @moduledoc """
  Decodes frames of the output plugin into changes.

  A frame is one term in Erlang's external format: a transaction or a part of one, with its
  rows. This module decodes it into `PgEtf.Change` structs, without a process or a
  connection. `PgEtf.Producer` and `PgEtf.Consumer` do this for you; use it directly to read
  files of `pg_recvlogical`:

      $ pg_recvlogical -d shop --slot s -P pg_etf_decoding --start -f changes.etf

      for change <- PgEtf.Frame.stream_file!("changes.etf"), do: IO.inspect(change)

  Values in the compact dialect (`dialect=compact rows=tuple`) are completed here, using a
  list per relation of the columns that need it: a row without any costs no more than
  building its map.
  """

  # Rows are finished where they arrive, in the producer. Measured with
  # bench/decode.exs (OTP 25, rows of nine columns): reading a row costs 0.3 us and
  # finishing it 1.0 us, while a server takes 5 us and more to decode it, so one
  # process keeps up with any slot. Where rows go on to other processes, and something of
  # ours runs there before the user's functions, they are finished there: see
  # PgEtf.Decode.Deferred.

  alias PgEtf.{Change, Prepared, Relation, SchemaHistory, Trace}
  alias PgEtf.Decode.{Atoms, Deferred, Event, Malformed}
  alias PgEtf.Decode.Type.Temporal
  alias PgEtf.Frame.Decoder

  import Malformed, only: [malformed: 1, preview: 1]

  @traceparent Trace.prefix()

  @typedoc "The part of its transaction that a frame contains."
  @type part :: :whole | :first | :middle | :last

  @type t :: %__MODULE__{
          part: part,
          xid: non_neg_integer | nil,
          commit_lsn: PgEtf.Lsn.t(),
          end_lsn: PgEtf.Lsn.t() | nil,
          commit_time: DateTime.t() | nil,
          commit_us: integer | nil,
          first_index: non_neg_integer,
          count: non_neg_integer,
          meta: map,
          changes: [Change.t()],
          headers: PgEtf.Trace.headers(),
          prepared: String.t() | nil,
          decision: Prepared.t() | nil
        }

  @enforce_keys [:part, :commit_lsn, :end_lsn]
  defstruct [
    :part,
    :xid,
    :commit_lsn,
    :end_lsn,
    :commit_time,
    :commit_us,
    first_index: 0,
    count: 0,
    meta: %{},
    changes: [],
    headers: [],
    prepared: nil,
    decision: nil
  ]

  @doc """
  A decoder for a new stream.

  Options: `:keys`, `:types`, `:split_key_changes` and `:traceparent`, see `PgEtf.Producer`.
  """
  @spec decoder(keyword) :: Decoder.t()
  def decoder(opts \\ []) do
    opts
    |> Keyword.validate!([:keys, :types, :split_key_changes, :traceparent])
    |> stream_decoder()
  end

  @doc false
  # With what a stream has besides: a history, and rows that are finished later.
  @spec stream_decoder(keyword) :: Decoder.t()
  def stream_decoder(opts) do
    %Decoder{
      keys: opts |> Keyword.get(:keys, :strings) |> Relation.load_keys(),
      types?: Keyword.get(opts, :types, false),
      split?: Keyword.get(opts, :split_key_changes, false),
      trace?: Keyword.get(opts, :traceparent, false),
      history: opts[:history] || SchemaHistory.new(),
      deferred: if(deferred?(opts), do: %{}),
      shared?: opts[:deferred] == :shared
    }
  end

  # What is split or loaded into structs has to be there.
  defp deferred?(opts) do
    opts[:deferred] in [true, :shared] and opts[:into] in [nil, %{}] and
      opts[:split_key_changes] != true
  end

  @doc """
  Decodes one frame, given as bytes or as a term.

  Changes with an index below `from_index` are skipped: those that a consumer has already
  seen when a transaction is repeated after a reconnect. The index is that of the frame,
  whatever is split.
  """
  @spec decode(Decoder.t(), binary | tuple, non_neg_integer) ::
          {:ok, t, Decoder.t()} | {:error, String.t()}
  def decode(decoder, frame, from_index \\ 0)

  def decode(%Decoder{} = decoder, bytes, from_index) when is_binary(bytes) do
    case to_term(bytes) do
      {:ok, term} -> decode(decoder, term, from_index)
      :error -> {:error, "not a complete term of known atoms: #{preview(bytes)}"}
    end
  end

  def decode(%Decoder{} = decoder, term, from_index) do
    Malformed.catching(fn ->
      {frame, decoder} = frame(term, decoder, from_index)
      {:ok, frame, decoder}
    end)
  end

  @doc """
  The end of the transaction, if this frame is the last one of it.
  """
  @spec closes(t) :: PgEtf.Lsn.t() | nil
  def closes(%__MODULE__{part: part, end_lsn: lsn}) when part in [:whole, :last], do: lsn
  def closes(%__MODULE__{}), do: nil

  @doc """
  Reads bytes as a term, rejecting atoms that are not part of the protocol.
  """
  @spec to_term(binary) :: {:ok, term} | :error
  defdelegate to_term(bytes), to: Atoms, as: :read

  @doc """
  The changes in a file written by `pg_recvlogical -P pg_etf_decoding`, lazily.

  Both the plugin's default options and `dialect=compact rows=tuple` can be read. Raises
  `File.Error` if the file cannot be read, and `ArgumentError` if it does not consist of
  complete frames, or was written with `streaming` or `two_phase`: `pg_etf_client --read` shows
  such a file. Options: those of `decoder/1`; `:chunk_bytes`, how much to read at a time
  (1 MiB); `:max_bytes`, the maximum size of a frame (1 GiB, more than PostgreSQL sends).
  """
  @spec stream_file!(Path.t(), keyword) :: Enumerable.t()
  defdelegate stream_file!(path, opts \\ []), to: PgEtf.Decode.File, as: :stream!

  ## Frames

  defp frame({:tx, part, head, first_index, count, meta, events}, decoder, from_index)
       when part in [:whole, :first, :middle, :last] do
    {xid, commit_lsn, end_lsn, commit_time} = head
    end_lsn = if end_lsn != 0, do: end_lsn
    decoder = if part in [:whole, :first], do: untraced(decoder), else: decoder

    template = %Change{
      op: nil,
      commit_lsn: commit_lsn,
      end_lsn: end_lsn,
      index: 0,
      xid: xid,
      commit_time: Temporal.timestamptz(commit_time, 6),
      origin: Map.get(meta, :origin),
      headers: decoder.headers
    }

    decoder = Decoder.begin_frame(decoder, Deferred.head(template, commit_time))
    {changes, decoder} = events(events, template, first_index, from_index, decoder, [])

    frame = %__MODULE__{
      part: part,
      xid: xid,
      commit_lsn: commit_lsn,
      end_lsn: end_lsn,
      commit_time: template.commit_time,
      commit_us: commit_time,
      first_index: first_index,
      count: count,
      meta: meta,
      changes: in_order(changes, part),
      headers: decoder.headers
    }

    {frame, decoder}
  end

  # A message outside of transactions comes under the end of its record, where the
  # commit of a transaction may begin: both would have one place. Records begin at
  # multiples of 8, so nothing else is at the position before, and it is in order.
  defp frame({:message, lsn, prefix, content}, decoder, _from_index) do
    change = %Change{
      op: :message,
      commit_lsn: lsn - 1,
      end_lsn: lsn,
      index: 0,
      prefix: prefix,
      content: content,
      last?: true
    }

    frame = %__MODULE__{
      part: :whole,
      commit_lsn: lsn - 1,
      end_lsn: lsn,
      count: 1,
      changes: [change]
    }

    {frame, decoder}
  end

  # What was prepared has the form of a transaction.
  defp frame({:prepare, part, head, first_index, count, meta, events}, decoder, from_index) do
    {frame, decoder} =
      frame({:tx, part, head, first_index, count, meta, events}, decoder, from_index)

    {%{frame | prepared: Map.fetch!(meta, :gid)}, decoder}
  end

  defp frame({tag, {xid, lsn, end_lsn, time}, %{gid: gid}}, decoder, _from_index)
       when tag in [:commit_prepared, :rollback_prepared] do
    decision = %Prepared{
      op: if(tag == :commit_prepared, do: :commit, else: :rollback),
      gid: gid,
      xid: xid,
      lsn: lsn,
      end_lsn: end_lsn,
      time: Temporal.timestamptz(time, 6)
    }

    frame = %__MODULE__{
      part: :whole,
      xid: xid,
      commit_lsn: lsn,
      end_lsn: end_lsn,
      commit_time: decision.time,
      commit_us: time,
      count: 1,
      decision: decision
    }

    {frame, decoder}
  end

  defp frame(frame, _decoder, _from_index)
       when is_tuple(frame) and
              elem(frame, 0) in [:stream, :stream_abort, :stream_commit, :stream_prepare] do
    malformed(
      "a frame of option \"streaming\", whose transactions may be rolled back: only " <>
        "pg_etf_client puts them together (pg_etf_client --read)"
    )
  end

  defp frame(other, _decoder, _from_index) do
    malformed("a frame of an unknown kind: #{preview(other)}")
  end

  defp untraced(%Decoder{headers: []} = decoder), do: decoder
  defp untraced(decoder), do: %{decoder | headers: []}

  defp in_order([last | rest], part) when part in [:whole, :last] do
    :lists.reverse(rest, [%{last | last?: true}])
  end

  defp in_order(changes, _part), do: :lists.reverse(changes)

  ## Events

  defp events([{:relation, _, _, _, _, _} = event | events], template, index, from, decoder, acc) do
    relation = Relation.new(event, decoder.keys, decoder.types?)
    decoder = Decoder.describe(decoder, relation, event)
    events(events, template, index, from, decoder, acc)
  end

  defp events([{:schema, _, _, _} = event | events], template, index, from, decoder, acc) do
    uncounted(event, events, template, index, from, decoder, acc)
  end

  defp events([{:ddl, _} = event | events], template, index, from, decoder, acc) do
    uncounted(event, events, template, index, from, decoder, acc)
  end

  # Not a change: it is about those that follow. Seen or not, they follow it.
  defp events([{:message, @traceparent, value} | events], template, index, from, decoder, acc)
       when decoder.trace? do
    headers = Trace.parse(value)
    template = %{template | headers: headers}
    decoder = Decoder.put_headers(decoder, headers)
    events(events, template, index + 1, from, decoder, acc)
  end

  defp events([_ | events], template, index, from, decoder, acc) when index < from do
    events(events, template, index + 1, from, decoder, acc)
  end

  defp events([event | events], template, index, from, decoder, acc) do
    change = change(event, template, index, decoder)
    events(events, template, index + 1, from, decoder, prepend(change, decoder.split?, acc))
  end

  defp events([], _template, _index, _from, decoder, acc), do: {acc, decoder}

  defp change(event, template, index, %{deferred: nil} = decoder) do
    Event.change(event, template, index, decoder.relations)
  end

  defp change(event, template, index, decoder) do
    Deferred.new(event, decoder.head, index, decoder.deferred) ||
      Event.change(event, template, index, decoder.relations)
  end

  # It stands before the event of its index. Seen or not, it comes again.
  defp uncounted(event, events, template, index, from, decoder, acc) when index >= from do
    change = Event.change(event, template, place(index, decoder), decoder.relations)
    {change, decoder} = Decoder.alter(decoder, change)
    events(events, template, index, from, decoder, [change | acc])
  end

  defp uncounted(_event, events, template, index, from, decoder, acc) do
    events(events, template, index, from, decoder, acc)
  end

  defp place(index, %{split?: true}), do: 2 * index
  defp place(index, _decoder), do: index

  # Two changes need two places: all indexes are doubled, whatever is split.
  defp prepend(change, false, acc), do: [change | acc]

  defp prepend(%Change{index: index} = change, true, acc) do
    case Change.split(change) do
      {delete, insert} -> [%{insert | index: 2 * index + 1}, %{delete | index: 2 * index} | acc]
      nil -> [%{change | index: 2 * index} | acc]
    end
  end
end
