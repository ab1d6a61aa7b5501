defmodule PgEtf.Ecto do
  @moduledoc """
  Rows as the structs of Ecto schemas.

      def handle_message(_, %{data: %PgEtf.Change{table: "orders"} = change} = message, _) do
        order = PgEtf.Ecto.load(change, MyApp.Order)
        ...
      end

  `load/2` gives what `Repo.get/2` would have: the names of fields, not of columns, a uuid,
  an enum, embedded schemas and parameterized types as the schema has them, associations not
  loaded. It raises `PgEtf.Ecto.LoadError` where a value does not fit its field.

  ## The option `into`

      {PgEtf.Consumer, {Orders, nil, connection: MyApp.Repo, slot: "orders",
                        into: %{"orders" => MyApp.Order, "audit.entries" => MyApp.Entry}}}

  With it `record` of a change is a struct as soon as it arrives, and so is `old_record` if it
  is complete, as under REPLICA IDENTITY FULL; one that is only a key stays a map. `key` and
  the names in `unchanged_toast` and `changed` are still those of columns. A table without a
  schema in its name is in `public`; `into: [MyApp.Order, MyApp.Entry]` takes the names from
  the schemas. A row that does not fit stays a map, and the log says which field it is.

  It is one process that does this for all; under Broadway `load/2` in the processors is the
  faster way.

  ## What a struct does not tell

    * An update may come without large values that it has not changed: such a field has its
      default, and its column is in `unchanged_toast`.
    * `load/2` of a delete loads the old row, which has the columns of the replica identity,
      often only the key: the other fields have their defaults. So have columns that the
      stream does not read.
    * What could not be sent, as `{:oversized, bytes}`, is in its field as it is.

  Without Ecto in the project these functions raise.
  """

  alias PgEtf.Change
  alias PgEtf.Ecto.{LoadError, Values}

  @compile {:no_warn_undefined, [Ecto, Ecto.Type]}

  @typedoc "Schemas by `{schema, table}`."
  @type schemas :: %{optional({String.t(), String.t()}) => module}

  @doc """
  The row of a change as a struct of the schema: the new row, or the old one of a delete.
  `nil` for what has none.
  """
  @spec load(Change.t(), module) :: struct | nil
  def load(%Change{op: :delete} = change, schema) do
    load_row(change.old_record || change.key, schema, change, :deleted)
  end

  def load(%Change{} = change, schema), do: load_row(change.record, schema, change, :loaded)

  @doc """
  The row of a struct as a stream delivers it: columns by name, values as `PgEtf.Change` has
  them. The counterpart of `load/2`, for tests.
  """
  @spec dump(struct) :: map
  def dump(%schema{} = struct) do
    for field <- schema!(schema).__schema__(:fields), into: %{} do
      type = schema.__schema__(:type, field)

      case Ecto.Type.adapter_dump(Values, type, Map.fetch!(struct, field)) do
        {:ok, value} -> {column(schema, field), Values.delivered(value, Ecto.Type.type(type))}
        :error -> raise ArgumentError, "#{inspect(schema)}: cannot dump field #{field}"
      end
    end
  end

  @doc false
  # The change with structs, or what does not fit. An old row that is only a key would be a
  # struct without most of its values.
  @spec into(Change.t(), schemas) :: {:ok, Change.t()} | {:error, String.t()}
  def into(%Change{schema: name, table: table} = change, schemas) do
    case schemas do
      %{{^name, ^table} => schema} ->
        record = load_row(change.record, schema, change, :loaded)
        {:ok, %{change | record: record, old_record: old(change.old_record, schema, change)}}

      %{} ->
        {:ok, change}
    end
  rescue
    error in LoadError -> {:error, Exception.message(error)}
    # A type of somebody's may raise anything, with a text that quotes the value.
    error -> {:error, "#{inspect(schemas[{name, table}])} raised #{inspect(error.__struct__)}"}
  end

  defp old(nil, _schema, _change), do: nil

  defp old(row, schema, change) do
    state = if change.op == :delete, do: :deleted, else: :loaded
    fields = schema.__schema__(:fields)

    complete? =
      Enum.all?(fields, &match?({:ok, _}, fetch(row, schema.__schema__(:field_source, &1))))

    if complete?, do: load_row(row, schema, change, state), else: row
  end

  @doc false
  # PgEtf.Change.changes/1 of structs: by fields, as far as the old row has them.
  @spec changes(Change.t()) :: %{optional(atom) => {term, term}}
  def changes(%Change{record: %schema{} = new, old_record: old, unchanged_toast: toast}) do
    for field <- schema.__schema__(:fields),
        column(schema, field) not in toast,
        {:ok, before} <- [old_value(old, schema, field)],
        before !== Map.fetch!(new, field),
        into: %{},
        do: {field, {before, Map.fetch!(new, field)}}
  end

  defp old_value(%schema{} = old, schema, field), do: Map.fetch(old, field)

  defp old_value(old, schema, field) do
    with {:ok, value} <- fetch(old, schema.__schema__(:field_source, field)) do
      {:ok, load_field(value, schema, field)}
    end
  end

  @doc false
  # Whatever names rows: {schema, table}, of the option and of a struct.
  @spec table(module) :: {String.t(), String.t()}
  def table(schema) do
    {schema!(schema).__schema__(:prefix) || "public", schema.__schema__(:source)}
  end

  @doc false
  # The value of option `into`, or why it is none.
  @spec schemas(term) :: {:ok, schemas} | {:error, String.t()}
  def schemas(into) when is_list(into) or is_map(into) do
    pairs = Enum.map(into, &pair/1)
    Enum.find(pairs, {:ok, Map.new(pairs)}, &match?({:error, _}, &1))
  end

  def schemas(_other), do: {:error, "no map"}

  defp pair({{_schema, _table} = name, schema}), do: known(name, schema)
  defp pair({name, schema}) when is_binary(name), do: name |> split() |> known(schema)

  defp pair(schema),
    do: if(schema?(schema), do: {table(schema), schema}, else: known(nil, schema))

  defp known(name, schema) do
    if schema?(schema), do: {name, schema}, else: {:error, "#{inspect(schema)} is no schema"}
  end

  # A name with a dot in it is given as {schema, table}.
  defp split(name) do
    case String.split(name, ".", parts: 2) do
      [schema, table] -> {schema, table}
      [table] -> {"public", table}
    end
  end

  @doc false
  @spec key(module) :: [String.t()]
  def key(schema), do: for(field <- schema.__schema__(:primary_key), do: column(schema, field))

  @doc false
  @spec schema?(term) :: boolean
  def schema?(module) do
    is_atom(module) and Code.ensure_loaded?(module) and function_exported?(module, :__schema__, 1) and
      Code.ensure_loaded?(Ecto.Type)
  end

  defp schema!(schema) do
    unless schema?(schema), do: raise(ArgumentError, "#{inspect(schema)} is no schema of Ecto")
    schema
  end

  defp load_row(nil, _schema, _change, _state), do: nil

  defp load_row(row, schema, change, state) do
    fields =
      for field <- schema!(schema).__schema__(:fields),
          {:ok, value} <- [fetch(row, schema.__schema__(:field_source, field))],
          do: {field, load_field(value, schema, field)}

    schema |> struct!(fields) |> put_meta(change, state)
  end

  # Columns are named by strings or by atoms.
  defp fetch(row, source) do
    with :error <- Map.fetch(row, Atom.to_string(source)), do: Map.fetch(row, source)
  end

  defp load_field({marker, _} = value, _schema, _field)
       when marker in [:oversized, :unconverted, :unparsed],
       do: value

  defp load_field(value, schema, field) do
    type = schema.__schema__(:type, field)

    case Ecto.Type.adapter_load(Values, type, value) do
      {:ok, loaded} -> loaded
      :error -> raise LoadError, schema: schema, field: field, type: type
    end
  end

  defp column(schema, field), do: Atom.to_string(schema.__schema__(:field_source, field))

  # As of a query, which says the prefix where it is not the schema's own.
  defp put_meta(%schema{__meta__: _} = struct, change, state) do
    meta =
      if change.schema in ["public" | List.wrap(schema.__schema__(:prefix))],
        do: [],
        else: [prefix: change.schema]

    Ecto.put_meta(struct, [state: state] ++ meta)
  end

  defp put_meta(struct, _change, _state), do: struct
end
