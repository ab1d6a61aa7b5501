defmodule PgEtf.Change do
  @moduledoc """
  One change of a committed transaction.

  | field | content |
  |---|---|
  | `op` | `:insert`, `:update`, `:delete`, `:truncate`, `:message`, with `ddl: :tables` `:schema`, with `ddl: :commands` also `:ddl`, and `:read` for a row that a snapshot or backfill has read from the table |
  | `schema`, `table` | the table; for a truncate of several tables the first of `truncated` |
  | `record` | the new row: a map from column name to value; `nil` for a delete |
  | `old_record` | the old row, limited to the columns of the replica identity; `nil` without one |
  | `key` | the columns of the replica identity (the primary key, if that is full) with their values before the change; `nil` without one |
  | `unchanged_toast` | names of columns that are missing in `record`, because the WAL does not contain a large value that an update did not change. Also of an insert that a row filter of a publication made of an update |
  | `changed` | with `updates: :changed`, under REPLICA IDENTITY FULL: names of the columns that an update has changed; else `nil`. See also `changes/1` |
  | `commit_lsn`, `index` | the place of the change in the total order; unique, and the same at every delivery. Of a `:read` `index` is `nil`: it is not skipped by its place, see `backfill` |
  | `end_lsn` | the end of the transaction: confirmed once all of it has been handled. `nil` in the first parts of a large transaction if they came before it was known (`plugin: :pgoutput`) |
  | `xid`, `commit_time` | of the transaction; the time is a `DateTime` in UTC; `nil` for a message outside of transactions |
  | `last?` | whether this is the last change of its transaction |
  | `headers` | with `traceparent: true`, those of the transaction: see `PgEtf.Trace`; else `[]` |
  | `types` | with `types: true`: `%{column => {shape, typmod, name}}`, the shape as in `docs/protocol.md`; else `nil` |
  | `origin` | the replication origin, `nil` for a local change |
  | `truncated`, `truncate_options` | of a truncate: `[{schema, table}]` and a list of `:cascade`, `:restart_identity` |
  | `schema_change` | of `:schema`: a `PgEtf.SchemaChange`. `index` is that of the change that follows: what happens to a table itself is not counted |
  | `command` | of `:ddl`: a `PgEtf.Command`, not counted either |
  | `backfill` | of a `:read`: `%{id: id, chunk: number}`, the backfill and the chunk that it belongs to; else `nil`. The row is what the table has at `commit_lsn`: write it like an insert that replaces what is there. A chunk that was not acknowledged is read again |
  | `prefix`, `content` | of a logical message (`pg_logical_emit_message`) |

  A sink stores `{commit_lsn, index}` to recognize duplicates. A logical message outside of
  transactions has a place of its own (the position before its end, and 0 as `index`), and
  the end of its record as `end_lsn`: positions can be stored regardless of the kind of
  change. Indexes in a transaction increase from 0; with `split_key_changes: true` not by
  one.

  Values are the terms that Postgrex returns for the same column. A value that could not be
  sent is one of `{:oversized, bytes}`, `{:unconverted, binary}` and `{:unparsed, text}`;
  nothing else in a row is a tuple that starts with one of these atoms. Prefix and content
  of a message can be `{:oversized, bytes}`, too. A name that cannot be represented in UTF-8
  (of a schema, table or column, whatever `:keys` is, or the prefix of a message) is
  `{:unconverted, binary}`, too. A database in `SQL_ASCII` has no encoding: its bytes are
  passed through unchanged, in values and in names, and names that are not UTF-8 remain
  strings.

  ## A copy of a table

  The obvious way, writing every record by its key, has three bugs: an update that changes
  the key leaves the old row behind, a value in `unchanged_toast` is overwritten with
  nothing, and a truncate has no key at all. A sink should do this instead; `Sink` stands
  for your own, with the SQL of each function beside its call:

      defmodule Copy do
        alias PgEtf.Change

        # INSERT INTO table (record) VALUES (...) ON CONFLICT (key) DO UPDATE SET record
        def write(%Change{op: op} = change) when op in [:insert, :read] do
          Sink.upsert(table(change), change.key, change.record)
        end

        # The whole row, which is written whether it is there or not: with snapshots and
        # backfills it may not have been read yet. A row that moves leaves its old key.
        def write(%Change{op: :update, key: %{} = key, unchanged_toast: []} = change) do
          new_key = Map.merge(key, Map.take(change.record, Map.keys(key)))
          if new_key != key, do: Sink.delete(table(change), key)
          Sink.upsert(table(change), new_key, change.record)
        end

        # UPDATE table SET record WHERE key. That is the key before the change, the new one
        # is in the record; and columns that did not come are not set.
        def write(%Change{op: :update, key: %{}} = change) do
          Sink.update(table(change), change.key, change.record)
        end

        # DELETE FROM table WHERE key
        def write(%Change{op: :delete, key: %{}} = change) do
          Sink.delete(table(change), change.key)
        end

        # TRUNCATE table, ...
        def write(%Change{op: :truncate} = change), do: Sink.empty(change.truncated)

        def write(%Change{op: op}) when op in [:message, :schema, :ddl], do: :ok

        defp table(change), do: {change.schema, change.table}
      end

  It fails on an update or delete without a key, of a table without a primary key or another
  replica identity: the row cannot be identified. Changes of one table must arrive in order
  (see `PgEtf.Producer`), and only once if keys change: store the position with the rows, as
  in the guide "Exactly once with Ecto".
  """

  @type op :: :insert | :update | :delete | :truncate | :message | :schema | :ddl | :read
  @typedoc "A name; if it cannot be represented in UTF-8, its bytes."
  @type name :: String.t() | {:unconverted, binary}

  @type row :: %{optional(name | atom) => term}

  @type t :: %__MODULE__{
          op: op,
          schema: name | nil,
          table: name | nil,
          record: row | nil,
          old_record: row | nil,
          key: row | nil,
          unchanged_toast: [name | atom],
          changed: [name | atom] | nil,
          commit_lsn: PgEtf.Lsn.t(),
          end_lsn: PgEtf.Lsn.t() | nil,
          index: non_neg_integer | nil,
          xid: non_neg_integer | nil,
          commit_time: DateTime.t() | nil,
          last?: boolean,
          origin: String.t() | nil,
          headers: PgEtf.Trace.headers(),
          types: PgEtf.Relation.types() | nil,
          truncated: [{name, name}],
          truncate_options: [:cascade | :restart_identity],
          prefix: name | {:oversized, pos_integer} | nil,
          schema_change: PgEtf.SchemaChange.t() | nil,
          command: PgEtf.Command.t() | nil,
          backfill: %{id: String.t(), chunk: non_neg_integer} | nil,
          content: binary | {:oversized, pos_integer} | nil
        }

  @enforce_keys [:op, :commit_lsn, :index]
  defstruct [
    :op,
    :schema,
    :table,
    :record,
    :old_record,
    :key,
    :changed,
    :commit_lsn,
    :end_lsn,
    :index,
    :xid,
    :commit_time,
    :origin,
    :prefix,
    :schema_change,
    :command,
    :backfill,
    :types,
    :content,
    last?: false,
    headers: [],
    unchanged_toast: [],
    truncated: [],
    truncate_options: []
  ]

  @doc """
  What a change did to the columns of its row: `%{column => {old, new}}`.

  Only what both rows have can be compared: under REPLICA IDENTITY FULL all columns, else
  those of the replica identity, if the update changed them. For an insert or a read the old
  values are `nil`, for a delete the new ones. Values are compared as terms: `Decimal`s of
  different scale differ.

      iex> change = %PgEtf.Change{
      ...>   op: :update, commit_lsn: 8, index: 0,
      ...>   old_record: %{"id" => 1, "state" => "new"},
      ...>   record: %{"id" => 1, "state" => "paid"}
      ...> }
      iex> PgEtf.Change.changes(change)
      %{"state" => {"new", "paid"}}
  """
  @spec changes(t) :: %{optional(name | atom) => {term, term}}
  def changes(%__MODULE__{op: op, record: new}) when op in [:insert, :read] do
    new |> plain() |> pairs(fn _, v -> {nil, v} end)
  end

  def changes(%__MODULE__{op: :delete, old_record: nil}), do: %{}

  def changes(%__MODULE__{op: :delete, old_record: old}) do
    old |> plain() |> pairs(fn _, v -> {v, nil} end)
  end

  def changes(%__MODULE__{op: :update, old_record: %{}, record: %_{}} = change) do
    PgEtf.Ecto.changes(change)
  end

  def changes(%__MODULE__{op: :update, old_record: %{} = old, record: new}) do
    new
    |> Map.take(Map.keys(old))
    |> Map.filter(fn {name, value} -> old[name] !== value end)
    |> pairs(fn name, value -> {old[name], value} end)
  end

  def changes(%__MODULE__{}), do: %{}

  defp pairs(row, fun), do: Map.new(row, fn {name, value} -> {name, fun.(name, value)} end)

  # Rows of option `into` are structs, of which only the fields are columns.
  defp plain(%schema{} = row), do: Map.take(row, schema.__schema__(:fields))
  defp plain(row), do: row

  @doc false
  # What happens to tables themselves has the index of the row that follows.
  defguard is_counted(change) when change.op not in [:schema, :ddl]

  @doc false
  # The number of PgEtf.partition_by/1, of what it is made of.
  @spec partition(name | nil, name | nil, row | nil) :: non_neg_integer
  def partition(schema, table, key), do: :erlang.phash2({schema, table, key})

  @doc false
  # That of whatever follows this change.
  @spec next_index(t) :: non_neg_integer
  def next_index(change) when is_counted(change), do: change.index + 1
  def next_index(change), do: change.index

  @doc false
  # An update that changes the key, as what it means for two rows: a delete and an
  # insert, of which nothing is left out that is known. A value that the log does not
  # carry is that of the old row, where that has it.
  @spec split(t) :: {t, t} | nil
  def split(%__MODULE__{op: :update, key: %{} = key, old_record: %{} = old} = change) do
    new_key = Map.merge(key, Map.take(change.record, Map.keys(key)))

    if new_key != key do
      {known, unknown} = Enum.split_with(change.unchanged_toast, &is_map_key(old, &1))
      record = Map.merge(change.record, Map.take(old, known))
      insert = %{change | op: :insert, key: new_key, record: record, old_record: nil}

      {%{change | op: :delete, record: nil, unchanged_toast: [], changed: nil},
       %{insert | unchanged_toast: unknown, changed: nil}}
    end
  end

  def split(_change), do: nil
end
