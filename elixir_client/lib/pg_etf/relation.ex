defmodule PgEtf.Relation do
  @moduledoc """
  A table as it was at one position in the WAL.

  Built by `PgEtf.Frame` from the relation event that precedes the first row of a table, and
  again whenever the table has changed. `row` and `key_row` belong to the decoder.
  `without_atom` lists the columns without an existing atom, because of which its rows have
  strings as names although atoms were requested.
  """

  alias PgEtf.Decode.{Row, Type}
  alias PgEtf.Relation.Column

  defmodule Column do
    @moduledoc """
    A column of a `PgEtf.Relation`.

    `typmod` is the server's modifier, -1 when there is none. `key?` marks the columns of
    the replica identity, `primary?` those of the primary key. `masked` is the mask of a
    column whose values were replaced on the server (`:hash`, `:keep`, `:trunc`, `:fixed`,
    `:nothing`).

    In a `PgEtf.SchemaChange` a column also has its `number`, which stays when it is renamed,
    `not_null?`, `default?`, `identity?`, and `missing`: what rows have that are older than the
    column, `{:ok, value}` or `:none`.
    """

    @type t :: %__MODULE__{
            name: PgEtf.Change.name(),
            type_oid: non_neg_integer,
            type: String.t(),
            typmod: integer,
            key?: boolean,
            primary?: boolean,
            generated?: boolean,
            masked: atom,
            number: pos_integer | nil,
            not_null?: boolean,
            default?: boolean,
            identity?: boolean,
            missing: :none | {:ok, term}
          }

    @enforce_keys [:name, :type_oid, :type, :typmod]
    defstruct [
      :name,
      :type_oid,
      :type,
      :typmod,
      :masked,
      :number,
      key?: false,
      primary?: false,
      generated?: false,
      not_null?: false,
      default?: false,
      identity?: false,
      missing: :none
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
          without_atom: [String.t()],
          types: types | nil,
          filenode: non_neg_integer | nil
        }

  @typedoc "The columns as they are named in rows: the shape of their values, the modifier, the type."
  @type types :: %{
          optional(PgEtf.Change.name() | atom) => {term, typmod :: integer, name :: String.t()}
        }

  @typedoc "How columns are named in rows, see `PgEtf.Producer`."
  @type keys ::
          :strings | :atoms! | :create_atoms | {:atoms!, [atom]} | :atoms | {:atoms, [atom]}

  @enforce_keys [:oid, :schema, :table, :identity, :columns]
  defstruct [
    :oid,
    :schema,
    :table,
    :identity,
    :columns,
    :row,
    :key_row,
    :filenode,
    :types,
    key_names: [],
    without_atom: []
  ]

  @doc false
  # {:names, names} are those of a relation that is there already, maybe at another node.
  @spec new(tuple, keys | {:names, [PgEtf.Change.name() | atom]}, boolean) :: t
  def new({:relation, oid, schema, table, identity, described}, keys, types? \\ false) do
    columns = Enum.map(described, &column/1)
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
      types: if(types?, do: types(names, described)),
      without_atom: without_atom
    }
  end

  @doc false
  # A table in a schema event.
  @spec state(non_neg_integer, tuple | :none, keys) :: t | nil
  def state(_oid, :none, _keys), do: nil

  def state(oid, {schema, table, identity, filenode, columns}, keys) do
    described =
      for {_, name, type_oid, type, mod, flags} <- columns, do: {name, type_oid, type, mod, flags}

    relation = new({:relation, oid, schema, table, identity, described}, keys)
    columns = Enum.zip_with(relation.columns, columns, &complete/2)
    %{relation | columns: columns, filenode: filenode, row: nil, key_row: nil}
  end

  defp complete(column, {number, _name, oid, _type, typmod, flags}) do
    %{
      column
      | number: number,
        not_null?: :not_null in flags,
        default?: :default in flags,
        identity?: :identity in flags,
        missing: missing(List.keyfind(flags, :missing, 0), shape(flags, oid), typmod)
    }
  end

  defp missing(nil, _shape, _typmod), do: :none

  defp missing({:missing, value}, shape, typmod) do
    case Type.finisher(shape, typmod) do
      nil -> {:ok, value}
      finisher -> {:ok, finisher.(value)}
    end
  end

  defp column({name, oid, type, typmod, flags}) do
    column = %Column{
      name: name,
      type_oid: oid,
      type: type,
      typmod: typmod,
      key?: :key in flags,
      primary?: :primary in flags,
      generated?: :generated in flags,
      masked: masked(flags)
    }

    {column, Type.finisher(shape(flags, oid), typmod)}
  end

  defp types(names, described) do
    for {name, {_, oid, type, typmod, flags}} <- Enum.zip(names, described), into: %{} do
      {name, {shape(flags, oid), typmod, type}}
    end
  end

  defp masked(flags), do: Enum.find_value(flags, &(match?({:masked, _}, &1) && elem(&1, 1)))

  # Under REPLICA IDENTITY FULL all columns identify a row, and every update
  # changes them: the primary key identifies the row.
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
  def load_keys({atoms, modules}) when atoms in [:atoms!, :atoms] do
    Enum.each(modules, &Code.ensure_loaded/1)
    :atoms!
  end

  def load_keys(:atoms), do: :atoms!
  def load_keys(keys), do: keys

  defp names(_names, {:names, names}), do: {names, []}

  defp names(names, :create_atoms) do
    {Enum.map(names, &if(may_be_atom?(&1), do: String.to_atom(&1), else: &1)), []}
  end

  # All of a table's names or none: whether a handler matches must not depend on which
  # modules were loaded when the table was first seen.
  defp names(names, :atoms!) do
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
