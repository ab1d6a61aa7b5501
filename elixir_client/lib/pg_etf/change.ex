defmodule PgEtf.Change do
  @moduledoc """
  One change of a committed transaction.

  | field | content |
  |---|---|
  | `op` | `:insert`, `:update`, `:delete`, `:truncate` or `:message` |
  | `schema`, `table` | where; for a truncate of several tables the first of `truncated` |
  | `record` | the new row: a map from column name to value; `nil` for a delete |
  | `old_record` | the old row as far as the replica identity has it, else `nil` |
  | `key` | the columns of the replica identity (the primary key, if that is full) with their values before the change; `nil` without one |
  | `unchanged_toast` | names of columns that are missing in `record`, because the log does not carry a large value that an update left alone |
  | `commit_lsn`, `index` | the place of the change in the total order; unique, and the same at every delivery |
  | `end_lsn` | the end of the transaction: what is confirmed when all of it is done |
  | `xid`, `commit_time` | of the transaction; the time is a `DateTime` in UTC; `nil` for a message outside of transactions |
  | `last?` | whether this is the last change of its transaction |
  | `origin` | the replication origin, `nil` for a local change |
  | `truncated`, `truncate_options` | of a truncate: `[{schema, table}]` and a list of `:cascade`, `:restart_identity` |
  | `prefix`, `content` | of a logical message (`pg_logical_emit_message`) |

  `{commit_lsn, index}` is what a sink stores to recognise a change that it has
  already seen. A logical message outside of transactions has a place of its own
  (the position before its end, and 0 as `index`), and the end of its record as
  `end_lsn`: positions can be stored without a look at what kind a change is. Indexes of
  a transaction rise from 0; with `split_key_changes: true` not by one.

  Values are the terms that Postgrex returns for the same column. A value that
  could not be sent whole is one of `{:oversized, bytes}`,
  `{:unconverted, binary}` and `{:unparsed, text}`; nothing else in a row is a
  tuple that starts with one of these atoms. Prefix and content of a message can be
  `{:oversized, bytes}`, too. A name without a form in UTF-8 (of a
  schema, table or column, whatever `:keys` says, or the prefix of a message) is
  `{:unconverted, binary}`, too. A database in `SQL_ASCII` has no encoding: its bytes
  pass as they are, in values and in names, and names that are not UTF-8 stay strings.

  ## A copy of a table

  The obvious way, to write every record by its key, goes wrong three times: an update
  that changes the key leaves the old row behind, a value in `unchanged_toast` is
  overwritten with nothing, and a truncate has no key at all. This is what a sink does
  instead; `Sink` stands for it, with the SQL of each function beside its call:

      defmodule Copy do
        alias PgEtf.Change

        # INSERT INTO table (record) VALUES (...) ON CONFLICT (key) DO UPDATE SET record
        def write(%Change{op: :insert} = change) do
          Sink.upsert(table(change), change.key, change.record)
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

        def write(%Change{op: :message}), do: :ok

        defp table(change), do: {change.schema, change.table}
      end

  It stops at an update or delete without a key, of a table without a primary key or
  another replica identity: nothing says which row that was. Changes of one table must
  come in order (see `PgEtf.Producer`), and not twice where keys change: store the
  position with the rows, as the guide "Exactly once with Ecto" does.
  """

  @type op :: :insert | :update | :delete | :truncate | :message
  @typedoc "A name; without a form in UTF-8 it is its bytes."
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
          commit_lsn: PgEtf.Lsn.t(),
          end_lsn: PgEtf.Lsn.t(),
          index: non_neg_integer,
          xid: non_neg_integer | nil,
          commit_time: DateTime.t() | nil,
          last?: boolean,
          origin: String.t() | nil,
          truncated: [{name, name}],
          truncate_options: [:cascade | :restart_identity],
          prefix: name | {:oversized, pos_integer} | nil,
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
    :commit_lsn,
    :end_lsn,
    :index,
    :xid,
    :commit_time,
    :origin,
    :prefix,
    :content,
    last?: false,
    unchanged_toast: [],
    truncated: [],
    truncate_options: []
  ]

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

      {%{change | op: :delete, record: nil, unchanged_toast: []},
       %{insert | unchanged_toast: unknown}}
    end
  end

  def split(_change), do: nil
end
