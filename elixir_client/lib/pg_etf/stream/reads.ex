defmodule PgEtf.Stream.Reads do
  @moduledoc false
  # Tables that are being read beside the stream: the chunks that are not closed yet.
  #
  # In mode exact nothing happens meanwhile: rows are handed on as they come. In mode
  # incremental a chunk is held in a PgEtf.Backfill.Window until it is closed, and each
  # frame of the stream is folded into it.
  #
  # Pure data, owned by PgEtf.Stream.Inbox. It has none while nothing is read: the stream pays
  # nothing then.

  alias PgEtf.{Change, Frame, Prepared, Relation}
  alias PgEtf.Backfill.{Keys, Window}
  alias PgEtf.Decode.Read
  alias PgEtf.Frame.Decoder
  alias __MODULE__

  # decoder   of the chunk's own
  # change    what all its rows have
  # window    nil in mode exact
  # rel       its table; name: as the stream last told, nil before it has
  # count     rows that have come
  defmodule Chunk do
    @moduledoc false
    defstruct [:decoder, :change, :window, :rel, :name, count: 0]
  end

  # runs      what is being read, by id: {:exact, lsn of the round} or :incremental
  # chunks    by {id, number}
  # asked     ids of those that the program was told to read: it is told what moves, too
  # noted     what has moved, by table, for those that it has yet to find; nil: it has
  # room      so many keys more are noted
  # again     tables that begin anew in mode exact: their rows are not in the sink any more
  # prepared  names of the tables that prepared transactions have changed, by their gid
  # told      commands for the program, the last first
  defstruct runs: %{},
            chunks: %{},
            asked: MapSet.new(),
            noted: nil,
            room: 10_000,
            again: MapSet.new(),
            prepared: %{},
            told: []

  @type ref :: {id :: String.t(), number :: non_neg_integer}
  @type mode :: {:exact, PgEtf.Lsn.t() | nil} | :incremental
  @type t :: %Reads{}

  # Prepared transactions of which the tables are remembered.
  @most_prepared 10_000
  # Keys in one command.
  @slice 500

  @doc """
  The program has yet to find what was asked for earlier: what moves until then is noted, and
  no position behind it may be confirmed.
  """
  @spec unknown() :: t
  def unknown, do: %Reads{noted: %{}}

  @doc "It has found all, and was told to read it."
  @spec known(t | nil) :: t | nil
  def known(nil), do: nil
  def known(%Reads{} = reads), do: left(%{reads | noted: nil})

  @doc "Whether a position has to wait for what is noted."
  @spec holds?(t | nil) :: boolean
  def holds?(%Reads{noted: %{} = noted}), do: noted != %{}
  def holds?(_reads), do: false

  @doc "What is noted; nil: nothing has to be."
  @spec noted(t | nil) :: map | nil
  def noted(nil), do: nil
  def noted(%Reads{noted: noted}), do: noted

  @doc "How many of these commands tell what has moved, or of those for the program."
  @spec moves(t | nil | [tuple]) :: non_neg_integer
  def moves(nil), do: 0
  def moves(%Reads{told: told}), do: moves(told)
  def moves(commands), do: Enum.count(commands, &(elem(&1, 0) == :backfill_keys))

  @doc "The program was told to read this: from here on it is told what moves."
  @spec ask(t | nil, String.t()) :: t
  def ask(reads, id) do
    reads = reads || %Reads{}
    reads = %{reads | asked: MapSet.put(reads.asked, id)}

    for {rel, keys} <- reads.noted || %{}, slice <- slices(keys), reduce: reads do
      reads -> tell(reads, {:backfill_keys, id, rel, slice})
    end
  end

  defp slices(:all), do: [:all]
  defp slices(keys), do: Enum.chunk_every(keys, @slice)

  @doc "Tables are read in this mode; in mode exact as of a position, from each round on."
  @spec run(t | nil, String.t(), mode) :: t
  def run(reads, id, mode) do
    reads = reads || %Reads{}
    %{reads | runs: Map.put(reads.runs, id, mode)}
  end

  @doc "It has ended, with all that was not closed. `nil` once nothing is left."
  @spec ended(t, String.t()) :: t | nil
  def ended(%Reads{} = reads, id) do
    chunks = Map.reject(reads.chunks, fn {{of, _}, _} -> of == id end)
    asked = MapSet.delete(reads.asked, id)
    left(%{reads | runs: Map.delete(reads.runs, id), asked: asked, chunks: chunks})
  end

  defp left(%Reads{runs: runs, asked: asked, noted: noted, told: told} = reads) do
    if runs != %{} or told != [] or noted != nil or MapSet.size(asked) > 0, do: reads
  end

  @doc "From here on the stream is folded into a chunk."
  @spec open(t, ref, non_neg_integer, Decoder.t()) :: t
  def open(%Reads{} = reads, ref, rel, decoder) do
    chunk = %{chunk(ref, nil, decoder) | window: %Window{}, rel: rel, name: name(decoder, rel)}
    put_chunk(reads, ref, chunk)
  end

  defp chunk({id, number}, lsn, decoder) do
    change = %Change{
      op: nil,
      commit_lsn: lsn,
      index: nil,
      backfill: %{id: id, chunk: number}
    }

    %Chunk{decoder: %{decoder | relations: %{}, met: []}, change: change}
  end

  defp name(%Decoder{relations: relations}, rel) do
    with %Relation{} = relation <- relations[rel], do: name(relation)
  end

  defp name(%{schema: schema, table: table}), do: {schema, table}

  defp put_chunk(reads, ref, chunk), do: %{reads | chunks: Map.put(reads.chunks, ref, chunk)}

  @doc "Whether the frames of a backfill count against the credit."
  @spec counted?(t | nil, term) :: boolean
  def counted?(%Reads{runs: runs}, {:read, {id, _}, _, _}), do: runs[id] != :incremental
  def counted?(_reads, _frame), do: true

  @doc "Takes a frame; returns the rows that can be handed on at once, and their number before."
  @spec put(t | nil, tuple, Decoder.t()) ::
          {:ok, ref, [Change.t()], non_neg_integer, t} | {:error, String.t()}
  def put(%Reads{} = reads, {:read, {id, number} = ref, _, _} = frame, decoder)
      when is_binary(id) and is_integer(number) do
    case {reads.chunks[ref], reads.runs[id]} do
      {%Chunk{} = chunk, _} -> read(reads, ref, chunk, frame)
      {nil, {:exact, lsn}} when lsn != nil -> read(reads, ref, chunk(ref, lsn, decoder), frame)
      # It has been forgotten, and the program does not know it yet.
      {nil, :incremental} -> {:ok, ref, [], 0, reads}
      _ -> {:error, "rows of a backfill that has not begun"}
    end
  end

  def put(_reads, _frame, _decoder), do: {:error, "rows of a backfill that has not begun"}

  defp read(reads, ref, %Chunk{count: before} = chunk, frame) do
    with {:ok, changes, decoder} <- Read.decode(chunk.decoder, frame, chunk.change) do
      chunk = %{chunk | decoder: %{decoder | met: []}, count: before + length(changes)}
      {changes, reads} = hold(reads, ref, chunk, changes)
      {emptied, reads} = Enum.flat_map_reduce(decoder.met, reads, &begun_anew(&1, &2, chunk))
      {:ok, ref, emptied ++ changes, before, reads}
    end
  end

  # Rows without a key would be there twice.
  defp begun_anew(%Relation{oid: rel} = relation, %Reads{again: again} = reads, chunk) do
    if rel in again do
      empty = %{chunk.change | op: :truncate, truncated: [name(relation)]}
      empty = %{empty | schema: relation.schema, table: relation.table}

      {if(relation.key_names == [], do: [empty], else: []),
       %{reads | again: MapSet.delete(again, rel)}}
    else
      {[], reads}
    end
  end

  defp hold(reads, ref, %Chunk{window: nil} = chunk, changes) do
    {changes, put_chunk(reads, ref, chunk)}
  end

  # A partition that was attached or detached since the chunk was opened: what the stream said
  # of the table as which its rows come was not noted.
  defp hold(reads, ref, %Chunk{rel: rel, decoder: decoder} = chunk, changes) do
    if Enum.all?(decoder.relations, fn {oid, _} -> oid == rel end),
      do: {[], window(reads, ref, chunk, Window.read(chunk.window, changes))},
      else: {[], retry(reads, ref, :schema)}
  end

  defp window(reads, ref, chunk, {:ok, window}),
    do: put_chunk(reads, ref, %{chunk | window: window})

  defp window(reads, ref, _chunk, {:retry, reason}), do: retry(reads, ref, reason)

  @doc "A chunk is of no use: the program has to read it again."
  @spec retry(t, ref, atom) :: t
  def retry(reads, {id, number} = ref, reason) do
    reads |> forget(ref) |> tell({:backfill_retry, id, number, reason})
  end

  @doc "A table begins anew."
  @spec again(t, non_neg_integer) :: t
  def again(%Reads{} = reads, rel), do: %{reads | again: MapSet.put(reads.again, rel)}

  @doc "Forgets a chunk, which comes again."
  @spec forget(t, ref) :: t
  def forget(%Reads{} = reads, ref), do: %{reads | chunks: Map.delete(reads.chunks, ref)}

  @doc "No more rows come: other rows need not be noted any more."
  @spec there(t, ref) :: t
  def there(%Reads{} = reads, ref) do
    case reads.chunks[ref] do
      %Chunk{window: %Window{} = window} = chunk ->
        put_chunk(reads, ref, %{chunk | window: Window.all(window)})

      _ ->
        reads
    end
  end

  @doc """
  The end of a chunk, at a position: the rows that were held, and what became of it. `:again`
  if it is not to be handed on.
  """
  @spec close(t, ref, PgEtf.Lsn.t()) :: {[Change.t()] | :again, facts :: map, t}
  def close(%Reads{} = reads, {id, _} = ref, lsn) do
    case {reads.chunks[ref], reads.runs[id]} do
      {%Chunk{window: %Window{} = window}, _} -> close(reads, ref, lsn, window)
      {nil, :incremental} -> {:again, %{}, reads}
      {chunk, _} -> {[], %{count: count(chunk), folded: 0, dropped: 0}, forget(reads, ref)}
    end
  end

  defp close(reads, ref, lsn, window) do
    case Window.close(window, lsn) do
      {:ok, rows} ->
        dropped = window.count - length(rows)
        facts = %{count: 0, folded: Window.folded(window), dropped: dropped}
        {rows, facts, forget(reads, ref)}

      {:retry, reason} ->
        {:again, %{}, retry(reads, ref, reason)}
    end
  end

  defp count(nil), do: 0
  defp count(%Chunk{count: count}), do: count

  defp tell(reads, command), do: %{reads | told: [command | reads.told]}

  @doc "What the program is to be told, in order."
  @spec take_told(t) :: {[tuple], t | nil}
  def take_told(%Reads{told: told} = reads) do
    {:lists.reverse(told), left(%{reads | told: []})}
  end

  ## The stream

  @doc """
  Folds a frame of the stream into the chunks that are open. The decoders are those before it
  and after it.
  """
  @spec fold(t, Frame.t(), Decoder.t(), Decoder.t()) :: t
  def fold(%Reads{} = reads, %Frame{} = frame, before, decoder) do
    reads = Enum.reduce(decoder.met, reads, &described(&2, &1, before.relations[&1.oid]))
    reads = Enum.reduce(frame.changes, reads, &moved(&2, Window.moved(&1), &1, decoder))

    case frame do
      %Frame{decision: %Prepared{} = decision} -> decided(reads, decision)
      %Frame{prepared: nil} -> Enum.reduce(frame.changes, reads, &change/2)
      %Frame{prepared: gid} -> prepared(reads, gid, frame.changes)
    end
  end

  # What the stream says of a table: another one than before ends its chunks, and so does one
  # that has taken its name.
  defp described(%Reads{chunks: chunks} = reads, %Relation{oid: oid} = relation, before) do
    Enum.reduce(chunks, reads, fn {ref, chunk}, reads ->
      cond do
        chunk.window == nil -> reads
        chunk.rel == oid and same?(before, relation) -> named(reads, ref, chunk, relation)
        chunk.rel == oid or chunk.name == name(relation) -> retry(reads, ref, :schema)
        true -> reads
      end
    end)
  end

  defp same?(nil, _relation), do: true
  defp same?(before, relation), do: facts(before) == facts(relation)

  defp facts(relation), do: Map.take(relation, [:schema, :table, :identity, :columns])

  defp named(reads, ref, chunk, relation) do
    put_chunk(reads, ref, %{chunk | name: name(relation)})
  end

  # Nobody else has all of such a row. Whether it is wanted the program knows.
  defp moved(reads, nil, _change, _decoder), do: reads

  defp moved(reads, key, change, decoder) do
    relations =
      for {_, relation} <- decoder.relations, name(relation) == name(change), do: relation

    Enum.reduce(relations, reads, &moved(&2, &1.oid, Keys.texts([key], &1)))
  end

  defp moved(reads, rel, keys) do
    for id <- reads.asked, reduce: note(reads, rel, keys) do
      reads -> tell(reads, {:backfill_keys, id, rel, keys})
    end
  end

  defp note(%Reads{noted: nil} = reads, _rel, _keys), do: reads

  defp note(%Reads{noted: noted, room: room} = reads, rel, keys) do
    known = Map.get(noted, rel, [])
    all? = room == 0 or :all in [known, keys]
    noted = Map.put(noted, rel, if(all?, do: :all, else: keys ++ known))
    %{reads | noted: noted, room: max(room - 1, 0)}
  end

  defp change(change, %Reads{chunks: chunks} = reads) do
    Enum.reduce(chunks, reads, fn {ref, chunk}, reads ->
      if concerns?(change, chunk),
        do: window(reads, ref, chunk, Window.fold(chunk.window, change)),
        else: reads
    end)
  end

  defp concerns?(_change, %Chunk{window: nil}), do: false

  defp concerns?(%Change{op: :schema, schema_change: change}, %Chunk{rel: rel}) do
    (change.after || change.before).oid == rel
  end

  defp concerns?(%Change{op: :truncate, truncated: tables}, chunk), do: chunk.name in tables
  defp concerns?(change, %Chunk{name: name}), do: name(change) == name

  # What was prepared happens when it is committed. Its rows are not kept until then, but
  # which tables they are of.
  defp prepared(%Reads{prepared: prepared} = reads, gid, changes) do
    names = for change <- changes, name <- names(change), into: MapSet.new(), do: name

    if map_size(prepared) < @most_prepared or is_map_key(prepared, gid),
      do: %{reads | prepared: Map.update(prepared, gid, names, &MapSet.union(&1, names))},
      else: reads
  end

  defp names(%Change{op: :truncate, truncated: tables}), do: tables
  defp names(change), do: [name(change)]

  defp decided(reads, %Prepared{op: op, gid: gid}) do
    {names, prepared} = Map.pop(reads.prepared, gid)
    reads = %{reads | prepared: prepared}
    if op == :commit, do: Enum.reduce(reads.chunks, reads, &committed(&1, &2, names)), else: reads
  end

  defp committed({ref, chunk}, reads, names) do
    if chunk.window != nil and (names == nil or chunk.name in names),
      do: retry(reads, ref, :busy),
      else: reads
  end
end
