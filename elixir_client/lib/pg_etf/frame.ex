defmodule PgEtf.Frame do
  @moduledoc """
  From the frames of the output plugin to changes.

  A frame is one term in Erlang's external format: a transaction or a part of
  one, with its rows. This module turns it into `PgEtf.Change` structs; it needs
  no process and no connection. `PgEtf.Producer` and `PgEtf.Consumer` do this for
  you; use it directly to read what `pg_recvlogical` has written:

      $ pg_recvlogical -d shop --slot s -P pg_etf_decoding --start -f changes.etf

      for change <- PgEtf.Frame.stream_file!("changes.etf"), do: IO.inspect(change)

  Rows in the compact dialect (`dialect=compact rows=tuple`) are finished here,
  through a list per relation of the columns that need it: a row that has none
  costs no more than building its map.
  """

  # Rows are finished where they arrive, in the producer. Measured with
  # bench/decode.exs (OTP 25, rows of nine columns): reading a row costs 0.3 us and
  # finishing it 1.0 us, while a server takes 5 us and more to decode it, so one
  # process keeps up with any slot. Finishing in the processors would need the
  # relation to travel with each row (sending costs 0.5 us instead of 0.6 us), and
  # their function heads could not match on the record.

  alias PgEtf.{Change, Relation, Type}
  alias PgEtf.Frame.{Decoder, Event}

  @typedoc "Where in its transaction a frame stands."
  @type part :: :whole | :first | :middle | :last

  @type t :: %__MODULE__{
          part: part,
          xid: non_neg_integer | nil,
          commit_lsn: PgEtf.Lsn.t(),
          end_lsn: PgEtf.Lsn.t(),
          commit_time: DateTime.t() | nil,
          commit_us: integer | nil,
          first_index: non_neg_integer,
          count: non_neg_integer,
          meta: map,
          changes: [Change.t()]
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
    changes: []
  ]

  # Every atom that a frame may carry. Naming them here loads them with this
  # module, which is what lets binary_to_term/2 run with :safe.
  @atoms [nil, true, false] ++
           [:tx, :whole, :first, :middle, :last, :message, :relation, :insert, :update] ++
           [:delete, :truncate, :key, :full, :none, :cascade, :restart_identity] ++
           [
             :primary,
             :generated,
             :as,
             :array,
             :composite,
             :range,
             :multirange,
             :origin,
             :origin_lsn
           ] ++
           [:default, :index, :nothing] ++
           [:NaN, :inf, :"-inf", :unchanged_toast, :oversized, :unconverted, :unparsed] ++
           [:open, :closed, :A, :B, :C, :D, :empty, :unbound] ++
           [:__struct__, Decimal, :sign, :coef, :exp, Calendar.ISO, :calendar] ++
           [Date, Time, DateTime, NaiveDateTime, :year, :month, :day, :hour, :minute] ++
           [:second, :microsecond, :std_offset, :utc_offset, :time_zone, :zone_abbr] ++
           [Postgrex.Interval, :months, :days, :secs, :microsecs, Duration, :week] ++
           [Postgrex.Range, :lower, :upper, :lower_inclusive, :upper_inclusive] ++
           [Postgrex.Multirange, :ranges, Postgrex.INET, :address, :netmask] ++
           [Postgrex.MACADDR, Postgrex.Point, :x, :y, Postgrex.Line, :a, :b, :c] ++
           [Postgrex.LineSegment, :point1, :point2, Postgrex.Box, :upper_right, :bottom_left] ++
           [Postgrex.Path, :points, Postgrex.Polygon, :vertices, Postgrex.Circle] ++
           [:center, :radius, Postgrex.Lexeme, :word, :positions]

  @doc false
  def atoms, do: @atoms

  @doc """
  A decoder for a new stream.

  Options: `:keys` and `:split_key_changes`, see `PgEtf.Producer`.
  """
  @spec decoder(keyword) :: Decoder.t()
  def decoder(opts \\ []) do
    %Decoder{
      keys: opts |> Keyword.get(:keys, :strings) |> Relation.load_keys(),
      split?: Keyword.get(opts, :split_key_changes, false)
    }
  end

  @doc """
  Decodes one frame, given as bytes or as the term that they hold.

  Changes with an index below `from_index` are left out: what a consumer has
  already seen when a transaction comes again after a reconnect. It counts as the
  frame does, whatever is split.
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
    {frame, decoder} = frame(term, decoder, from_index)
    {:ok, frame, decoder}
  catch
    {:malformed, reason} ->
      {:error, reason}

    # What a frame may get wrong cannot be listed; whatever stumbles over it is
    # the frame's fault, and must not look like a bug of the reader's process.
    :error, error ->
      {:error, "a malformed frame: #{Exception.message(Exception.normalize(:error, error))}"}
  end

  @doc """
  The end of the transaction, if this frame is the last one of it.
  """
  @spec closes(t) :: PgEtf.Lsn.t() | nil
  def closes(%__MODULE__{part: part, end_lsn: lsn}) when part in [:whole, :last], do: lsn
  def closes(%__MODULE__{}), do: nil

  @doc """
  Reads bytes as a term, refusing atoms that no frame may carry.
  """
  @spec to_term(binary) :: {:ok, term} | :error
  def to_term(bytes) do
    {:ok, :erlang.binary_to_term(bytes, [:safe])}
  rescue
    ArgumentError -> :error
  end

  @doc """
  The changes in a file written by `pg_recvlogical -P pg_etf_decoding`, lazily.

  Both the plugin's default options and `dialect=compact rows=tuple` can be read.
  Raises `File.Error` when the file cannot be read, and `ArgumentError` when its
  content is not whole frames. Options: those of `decoder/1`; `:chunk_bytes`, how
  much is read at a time (1 MiB); `:max_bytes`, how large a frame may be (1 GiB, more
  than PostgreSQL sends).
  """
  @spec stream_file!(Path.t(), keyword) :: Enumerable.t()
  defdelegate stream_file!(path, opts \\ []), to: PgEtf.Frame.Reader, as: :stream!

  ## Frames

  defp frame({:tx, part, head, first_index, count, meta, events}, decoder, from_index)
       when part in [:whole, :first, :middle, :last] do
    {xid, commit_lsn, end_lsn, commit_time} = head

    template = %Change{
      op: nil,
      commit_lsn: commit_lsn,
      end_lsn: end_lsn,
      index: 0,
      xid: xid,
      commit_time: Type.timestamptz(commit_time, 6),
      origin: Map.get(meta, :origin)
    }

    decoder = if decoder.met == [], do: decoder, else: %{decoder | met: []}
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
      changes: in_order(changes, part)
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

  defp frame(other, _decoder, _from_index) do
    malformed("a frame of an unknown kind: #{preview(other)}")
  end

  defp in_order([last | rest], part) when part in [:whole, :last] do
    :lists.reverse(rest, [%{last | last?: true}])
  end

  defp in_order(changes, _part), do: :lists.reverse(changes)

  ## Events

  defp events([{:relation, _, _, _, _, _} = event | events], template, index, from, decoder, acc) do
    %Relation{oid: oid} = relation = Relation.new(event, decoder.keys)
    relations = Map.put(decoder.relations, oid, relation)
    decoder = %{decoder | relations: relations, met: [relation | decoder.met]}
    events(events, template, index, from, decoder, acc)
  end

  defp events([_ | events], template, index, from, decoder, acc) when index < from do
    events(events, template, index + 1, from, decoder, acc)
  end

  defp events([event | events], template, index, from, decoder, acc) do
    change = Event.change(event, template, index, decoder.relations)
    events(events, template, index + 1, from, decoder, put(change, decoder.split?, acc))
  end

  defp events([], _template, _index, _from, decoder, acc), do: {acc, decoder}

  # Two changes need two places: all indexes are doubled, whatever is split.
  defp put(change, false, acc), do: [change | acc]

  defp put(%Change{index: index} = change, true, acc) do
    case Change.split(change) do
      {delete, insert} -> [%{insert | index: 2 * index + 1}, %{delete | index: 2 * index} | acc]
      nil -> [%{change | index: 2 * index} | acc]
    end
  end

  ## Errors

  @doc false
  @spec malformed(String.t()) :: no_return
  def malformed(reason), do: throw({:malformed, reason})

  # Errors end up in logs, where no rows must be.
  @doc false
  @spec preview(term) :: String.t()
  def preview(term) when is_tuple(term) and is_atom(elem(term, 0)) do
    "#{tuple_size(term)} elements, the first is #{inspect(elem(term, 0))}"
  end

  def preview(bytes) when is_binary(bytes), do: "#{byte_size(bytes)} bytes"
  def preview(_term), do: "no tuple with a name"
end
