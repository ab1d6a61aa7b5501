defmodule PgEtf.Relation do
  @moduledoc """
  A table as it was at one point of the log.

  Built by `PgEtf.Frame` from the relation event that precedes the first row of
  a table, and again whenever the table has changed. `row` and `key_row`
  belong to the decoder. `without_atom` names the columns because of which its rows
  have strings for names although atoms were asked for.
  """

  alias PgEtf.{Row, Type}
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
          row: term,
          key_row: term,
          without_atom: [String.t()]
        }

  @typedoc "How columns are named in rows, see `PgEtf.Producer`."
  @type keys :: :strings | :atoms | :create_atoms | {:atoms, [atom]}

  @enforce_keys [:oid, :schema, :table, :identity, :columns]
  defstruct [
    :oid,
    :schema,
    :table,
    :identity,
    :columns,
    :row,
    :key_row,
    key_names: [],
    without_atom: []
  ]

  @doc false
  @spec new(tuple, keys) :: t
  def new({:relation, oid, schema, table, identity, columns}, keys) do
    columns = Enum.map(columns, &column/1)
    {names, without_atom} = columns |> Enum.map(&elem(&1, 0).name) |> names(keys)
    named = Enum.zip_with(columns, names, fn {_, finisher}, name -> {name, finisher} end)
    key = for {{column, _}, named} <- Enum.zip(columns, named), key?(column, identity), do: named

    %__MODULE__{
      oid: oid,
      schema: schema,
      table: table,
      identity: identity,
      columns: Enum.map(columns, &elem(&1, 0)),
      row: Row.plan(named),
      key_names: Enum.map(key, &elem(&1, 0)),
      key_row: Row.plan(key),
      without_atom: without_atom
    }
  end

  defp column({name, oid, type, typmod, flags}) do
    column = %Column{
      name: name,
      type_oid: oid,
      type: type,
      typmod: typmod,
      key?: :key in flags,
      primary?: :primary in flags,
      generated?: :generated in flags
    }

    {column, Type.finisher(shape(flags, oid), typmod)}
  end

  # Under REPLICA IDENTITY FULL all columns identify a row, and every update
  # changes them: its primary key tells which row it is.
  defp key?(%Column{} = column, :full), do: column.primary?
  defp key?(%Column{} = column, _identity), do: column.key?

  defp shape(flags, oid) do
    case List.keyfind(flags, :as, 0) do
      {:as, shape} -> shape
      nil -> oid
    end
  end

  ## Names

  @doc false
  # The fields of a struct are atoms once its module is loaded.
  @spec load_keys(keys) :: keys
  def load_keys({:atoms, modules}) do
    Enum.each(modules, &Code.ensure_loaded/1)
    :atoms
  end

  def load_keys(keys), do: keys

  defp names(names, :create_atoms) do
    {Enum.map(names, &if(may_be_atom?(&1), do: String.to_atom(&1), else: &1)), []}
  end

  # All of a table's names or none: whether a handler matches must not depend on which
  # modules were loaded when the table was met.
  defp names(names, :atoms) do
    atoms = Enum.map(names, &if(may_be_atom?(&1), do: existing(&1), else: &1))

    case for {name, nil} <- Enum.zip(names, atoms), do: name do
      [] -> {atoms, []}
      missing -> {names, missing}
    end
  end

  defp names(names, _keys), do: {names, []}

  # A name that is not UTF-8, which SQL_ASCII allows, is no atom's.
  defp may_be_atom?(name), do: is_binary(name) and String.valid?(name)

  defp existing(name) do
    String.to_existing_atom(name)
  rescue
    ArgumentError -> nil
  end
end
