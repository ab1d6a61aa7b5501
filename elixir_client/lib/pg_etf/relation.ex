defmodule PgEtf.Relation do
  @moduledoc """
  A table as it was at one point of the log.

  Built by `PgEtf.Frame` from the relation event that precedes the first row of
  a table, and again whenever the table has changed. `row` and `key_row`
  belong to the decoder.
  """

  alias PgEtf.Relation.Column

  defmodule Column do
    @moduledoc """
    A column of a `PgEtf.Relation`.

    `typmod` is the server's modifier, -1 when there is none. `key?` tells the
    columns of the replica identity, `primary?` those of the primary key.
    """

    @type t :: %__MODULE__{
            name: PgEtf.Change.name(),
            type_oid: non_neg_integer,
            type: String.t(),
            typmod: integer,
            key?: boolean,
            primary?: boolean,
            generated?: boolean
          }

    @enforce_keys [:name, :type_oid, :type, :typmod]
    defstruct [
      :name,
      :type_oid,
      :type,
      :typmod,
      key?: false,
      primary?: false,
      generated?: false
    ]
  end

  @type t :: %__MODULE__{
          oid: non_neg_integer,
          schema: PgEtf.Change.name(),
          table: PgEtf.Change.name(),
          identity: atom,
          columns: [Column.t()],
          key_names: [PgEtf.Change.name() | atom],
          row: PgEtf.Row.plan(),
          key_row: PgEtf.Row.plan()
        }

  @enforce_keys [:oid, :schema, :table, :identity, :columns]
  defstruct [
    :oid,
    :schema,
    :table,
    :identity,
    :columns,
    :row,
    :key_row,
    key_names: []
  ]
end
