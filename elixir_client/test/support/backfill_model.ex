defmodule PgEtf.BackfillModel do
  @moduledoc false
  # A table with writers, a stream of it, a program that reads it in chunks and a sink that
  # has nothing but these two: at the end it has to be the table, whatever the order in
  # which all of that happens.
  #
  #   table    16 keys; a value, and a large one that updates carry only when it changes
  #   writers  60 transactions, which hold their rows until they are visible, some time
  #            after their commit is in the log
  #   stream   in order of commits; with `visible` none before it is visible
  #   program  ranges of keys, or of blocks where each event has the whole row; two chunks in
  #            flight; rows that moved are read again at the end
  #   crash    what is in flight is lost, and read again; the stream goes on where it was
  #
  # A bug can be planted, and then it must not be.

  alias PgEtf.Backfill.Window
  alias PgEtf.Change

  @keys 16
  @blocks 8
  @transactions 60

  @bugs [:drop, :not_again, :no_truncate, :no_schema, :not_visible, :late_open, :close_early]
  def bugs, do: @bugs

  # table, seen   as the log has it, and as a new snapshot does
  # log           transactions of the stream that are not delivered, oldest first
  # written, delivered  how many
  # hidden        those that are not visible: {number, operations, keys}
  # begin         how much is written before the program begins
  # next, bound   what it reads next; where it ends
  # chunks        open ones, oldest first
  # again         keys to read again
  defstruct [
    :rng,
    :bug,
    :toast?,
    :by,
    :next,
    :bound,
    :begin,
    table: %{},
    seen: %{},
    names: {"v", []},
    sink: %{},
    log: :queue.new(),
    written: 0,
    delivered: 0,
    hidden: [],
    chunks: [],
    again: MapSet.new(),
    value: 0
  ]

  @doc "Whether the sink has the table at the end of the schedule of a seed."
  def right?(seed, bug \\ nil) do
    model = %__MODULE__{rng: :rand.seed_s(:exsss, seed), bug: bug}
    {toast?, model} = chance(model, 80)
    {blocks?, model} = chance(model, 50)
    by = if blocks? and not toast?, do: :block, else: :key
    bound = if by == :key, do: @keys, else: @blocks
    {begin, model} = random(model, 30)
    model = %{model | toast?: toast?, by: by, next: 0, bound: bound, begin: begin}
    {rows, model} = Enum.map_reduce(1..div(@keys, 2), model, fn _, model -> row(model) end)
    table = Map.new(rows, &{&1["id"], &1})
    model = run(%{model | table: table, seen: table})
    model.sink == without_block(model.table)
  end

  defp run(%{written: @transactions, hidden: [], chunks: [], next: :done} = model) do
    if :queue.is_empty(model.log), do: model, else: model |> deliver() |> run()
  end

  defp run(model) do
    {step, model} = pick(model, [:write, :write, :show, :deliver, :deliver, :read, :read, :crash])
    model |> step(step) |> run()
  end

  ## Chance

  defp random(model, n) do
    {number, rng} = :rand.uniform_s(n, model.rng)
    {number - 1, %{model | rng: rng}}
  end

  defp chance(model, percent) do
    {number, model} = random(model, 100)
    {number < percent, model}
  end

  defp pick(model, list) do
    {n, model} = random(model, length(list))
    {Enum.at(list, n), model}
  end

  ## Writers

  defp step(%{written: @transactions} = model, :write), do: show_all(model)

  defp step(model, :write) do
    {count, model} = random(model, 3)
    held = for {_, _, keys} <- model.hidden, key <- keys, into: MapSet.new(), do: key

    {operations, {model, keys}} =
      Enum.flat_map_reduce(0..count, {model, []}, fn _, {model, keys} ->
        case operation(model, held) do
          {nil, model} ->
            {[], {model, keys}}

          {operation, touched, model} ->
            {[operation], {change(model, operation), touched ++ keys}}
        end
      end)

    changes = for {_operation, change} <- operations, do: change
    hidden = model.hidden ++ [{model.written, operations, keys}]
    log = :queue.in({model.written, changes}, model.log)
    model = %{model | hidden: hidden, log: log, written: model.written + 1}
    {late?, model} = chance(model, 30)
    if late?, do: model, else: show(model, List.last(hidden))
  end

  defp step(%{hidden: []} = model, :show), do: model

  defp step(model, :show) do
    {one, model} = pick(model, model.hidden)
    show(model, one)
  end

  defp step(model, :deliver), do: deliver(model)

  defp step(model, :crash) do
    {crash?, model} = chance(model, 5)
    if crash?, do: crash(model), else: model
  end

  defp step(model, :read), do: read(model)

  defp show_all(model), do: Enum.reduce(model.hidden, model, &show(&2, &1))

  defp show(model, {_, operations, _} = one) do
    seen =
      Enum.reduce(operations, model.seen, fn {operation, _}, seen -> put(seen, operation) end)

    %{model | seen: seen, hidden: List.delete(model.hidden, one)}
  end

  defp change(model, {operation, _change}) do
    %{model | table: put(model.table, operation), names: rename(model.names, operation)}
  end

  defp put(table, {:put, old, row}), do: table |> Map.delete(old) |> Map.put(row["id"], row)
  defp put(table, {:delete, key}), do: Map.delete(table, key)
  defp put(_table, :truncate), do: %{}

  defp put(table, {:alter, alter}),
    do: Map.new(table, fn {k, row} -> {k, altered(row, alter)} end)

  defp rename({_, added}, {:alter, {:rename, _, new}}), do: {new, added}
  defp rename({name, added}, {:alter, {:add, column}}), do: {name, [column | added]}
  defp rename(names, _operation), do: names

  defp altered(row, {:rename, old, new}) do
    {value, row} = Map.pop(row, old)
    Map.put(row, new, value)
  end

  defp altered(row, {:add, column}), do: Map.put(row, column, 0)

  # A row is locked by the transaction that has changed it until that is visible; an alter or
  # truncate wants the table for itself.
  defp operation(model, held) do
    {kind, model} = random(model, 100)
    {key, model} = random(model, @keys)
    {new_key, model} = random(model, @keys)

    cond do
      :all in held -> {nil, model}
      kind < 4 -> alone(model, kind)
      key in held or new_key in held -> {nil, model}
      is_map_key(model.table, key) -> change_row(model, kind, model.table[key], new_key)
      true -> insert(model, key)
    end
  end

  defp alone(%{hidden: [_ | _]} = model, _kind), do: {nil, model}

  defp alone(model, kind) when kind < 2 do
    {{:truncate, %Change{op: :truncate, commit_lsn: 0, index: 0}}, [:all], model}
  end

  defp alone(%{names: {name, added}} = model, kind) do
    alter =
      if kind == 2,
        do: {:rename, name, "v#{model.value}"},
        else: {:add, "c#{length(added)}"}

    model = %{model | value: model.value + 1}
    change = %Change{op: :schema, commit_lsn: 0, index: 0, content: alter}
    {{{:alter, alter}, change}, [:all], model}
  end

  defp insert(model, key) do
    {row, model} = row(model)
    row = Map.put(row, "id", key)
    {{{:put, key, row}, change(:insert, key, row, [])}, [key], model}
  end

  defp change_row(model, kind, %{"id" => key}, _new_key) when kind < 25 do
    {{{:delete, key}, change(:delete, key, nil, [])}, [key], model}
  end

  defp change_row(model, kind, %{"id" => key} = row, new_key) do
    {new, model} = row(model)
    moves? = kind < 50 and not is_map_key(model.table, new_key)
    new = Map.put(new, "id", if(moves?, do: new_key, else: key))
    partial? = model.toast? and kind < 85
    new = if partial?, do: Map.put(new, "big", row["big"]), else: new
    toast = if partial?, do: ["big"], else: []
    {{{:put, key, new}, change(:update, key, new, toast)}, [key, new["id"]], model}
  end

  defp row(%{names: {name, added}} = model) do
    {block, model} = random(model, @blocks)
    {id, model} = random(model, @keys)
    row = %{"id" => id, name => model.value, "big" => {:big, model.value}, :block => block}
    {Map.merge(row, Map.new(added, &{&1, model.value})), %{model | value: model.value + 1}}
  end

  defp change(op, key, row, toast) do
    record = row && Map.drop(row, [:block | toast])
    key = %{"id" => key}
    %Change{op: op, key: key, record: record, unchanged_toast: toast, commit_lsn: 0, index: 0}
  end

  defp without_block(table), do: Map.new(table, fn {k, row} -> {k, Map.delete(row, :block)} end)

  ## The stream

  defp deliver(model) do
    case :queue.peek(model.log) do
      {:value, {number, changes}} ->
        if may_come?(model, number) do
          model = Enum.reduce(changes, model, &deliver/2)
          %{model | log: :queue.drop(model.log), delivered: number + 1}
        else
          model
        end

      :empty ->
        model
    end
  end

  defp may_come?(%{bug: :not_visible}, _number), do: true
  defp may_come?(model, number), do: not List.keymember?(model.hidden, number, 0)

  defp deliver(change, model) do
    chunks = for chunk <- model.chunks, do: fold(chunk, change, model.bug)
    again = again(model, Window.moved(change))
    %{model | sink: sink(model.sink, change), chunks: chunks, again: again}
  end

  defp again(%{bug: :not_again, again: again}, _key), do: again
  defp again(model, nil), do: model.again
  defp again(model, %{"id" => key}), do: MapSet.put(model.again, key)

  defp fold(%{window: nil} = chunk, _change, _bug), do: chunk
  defp fold(chunk, %{op: :truncate}, :no_truncate), do: chunk
  defp fold(chunk, %{op: :schema}, :no_schema), do: chunk
  defp fold(chunk, %{op: :update} = change, :drop), do: fold(chunk, %{change | op: :insert}, nil)
  defp fold(chunk, change, _bug), do: into(chunk, Window.fold(chunk.window, change))

  defp into(chunk, {:ok, window}), do: %{chunk | window: window}
  defp into(chunk, {:retry, _reason}), do: %{chunk | step: :new, window: nil}

  # A whole row is written whether there is one or not, see PgEtf.Change.
  defp sink(sink, %Change{op: :update, key: %{"id" => key}, record: record} = change) do
    case {Map.pop(sink, key), change.unchanged_toast} do
      {{_, sink}, []} -> Map.put(sink, record["id"], record)
      {{nil, _}, _} -> sink
      {{row, sink}, _} -> Map.put(sink, record["id"], Map.merge(row, record))
    end
  end

  defp sink(sink, %Change{op: :delete, key: %{"id" => key}}), do: Map.delete(sink, key)
  defp sink(_sink, %Change{op: :truncate}), do: %{}

  defp sink(sink, %Change{op: :schema, content: alter}) do
    Map.new(sink, fn {key, row} -> {key, altered(row, alter)} end)
  end

  defp sink(sink, %Change{record: record}), do: Map.put(sink, record["id"], record)

  ## The program

  # A chunk is new, open, taken (its snapshot), there, and then closed.
  defp crash(model) do
    %{model | chunks: for(chunk <- model.chunks, do: %{chunk | step: :new, window: nil})}
  end

  defp read(%{next: :done} = model), do: model
  defp read(%{next: 0, written: written, begin: begin} = model) when written < begin, do: model

  defp read(%{chunks: chunks} = model) do
    {n, model} = random(model, 3)

    case Enum.at(chunks, n) do
      nil when length(chunks) < 2 -> next_chunk(model)
      nil -> model
      chunk -> read(chunk, n, model)
    end
  end

  defp next_chunk(%{next: next, bound: bound} = model) when next < bound do
    model |> add({next, next + 4}) |> Map.put(:next, next + 4)
  end

  defp next_chunk(%{chunks: [_ | _]} = model), do: model

  defp next_chunk(%{again: again} = model) do
    if MapSet.size(again) == 0,
      do: %{model | next: :done},
      else: %{add(model, again) | again: MapSet.new()}
  end

  defp add(model, range) do
    chunk = %{step: :new, range: range, window: nil, rows: [], horizon: nil}
    %{model | chunks: model.chunks ++ [chunk]}
  end

  defp read(%{step: :new} = chunk, n, model) do
    window = if model.bug != :late_open, do: %Window{}
    replace(model, n, %{chunk | step: :open, window: window})
  end

  # The table is locked before the snapshot is taken.
  defp read(%{step: :open} = chunk, n, model) do
    if Enum.any?(model.hidden, fn {_, _, keys} -> :all in keys end) do
      model
    else
      rows = for {_, row} <- model.seen, in_range?(row, chunk.range, model.by), do: reading(row)
      replace(model, n, %{chunk | step: :taken, rows: rows, horizon: model.written})
    end
  end

  defp read(%{step: :taken, window: nil} = chunk, n, model) do
    replace(model, n, %{chunk | window: %Window{}})
  end

  defp read(%{step: :taken, rows: []} = chunk, n, model) do
    replace(model, n, %{chunk | step: :there, window: Window.all(chunk.window)})
  end

  defp read(%{step: :taken, rows: rows} = chunk, n, model) do
    {some, rest} = Enum.split(rows, 2)
    replace(model, n, into(%{chunk | rows: rest}, Window.read(chunk.window, some)))
  end

  defp read(%{step: :there} = chunk, n, model) do
    if model.delivered >= chunk.horizon or model.bug == :close_early do
      close(chunk, n, Window.close(chunk.window, n), model)
    else
      model
    end
  end

  defp close(_chunk, n, {:ok, rows}, model) do
    sink = Enum.reduce(rows, model.sink, &sink(&2, &1))
    %{model | sink: sink, chunks: List.delete_at(model.chunks, n)}
  end

  defp close(chunk, n, retry, model), do: replace(model, n, into(chunk, retry))

  defp replace(model, n, chunk), do: %{model | chunks: List.replace_at(model.chunks, n, chunk)}

  defp in_range?(%{"id" => key}, %MapSet{} = keys, _by), do: key in keys
  defp in_range?(%{"id" => key}, {from, to}, :key), do: key >= from and key < to
  defp in_range?(%{block: block}, {from, to}, :block), do: block >= from and block < to

  defp reading(row), do: change(:read, row["id"], row, [])
end
