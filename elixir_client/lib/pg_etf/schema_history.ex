defmodule PgEtf.SchemaHistory do
  @moduledoc """
  What tables looked like at each position, from schema changes (`ddl: :tables`).

  Pure data: put every `PgEtf.Change` whose `op` is `:schema` into it, store it where the rows
  go, and ask how a table was at a position that was stored with a row.

      iex> alias PgEtf.{Change, Relation, SchemaChange, SchemaHistory}
      iex> t = %Relation{oid: 1, schema: "public", table: "t", identity: :default, columns: []}
      iex> created = %Change{op: :schema, commit_lsn: 100, index: 0, schema: "public", table: "t",
      ...>   schema_change: SchemaChange.new(nil, t)}
      iex> history = SchemaHistory.put(SchemaHistory.new(), created)
      iex> SchemaHistory.at(history, "public.t", 100)
      {:ok, t}
      iex> SchemaHistory.at(history, "public.t", 99)
      {:ok, nil}
      iex> SchemaHistory.at(history, "public.other", 100)
      :unknown

  Changes are put in the order of the stream; one that is put again, as after a restart,
  changes nothing. The latest 4,096 changes are kept, and what each table looked like before
  them: a table that was dropped earlier is `:unknown`.

  A stream with `:ddl` keeps a history by itself: `PgEtf.schema/3`.
  """

  alias PgEtf.{Change, Lsn, Relation, SchemaChange}

  @typedoc "States of each table by its OID, the latest first: from a place on, or before all."
  @type t :: %__MODULE__{
          tables: %{optional(oid) => [{place | :before, Relation.t() | nil}]},
          names: %{optional(String.t()) => [oid]},
          size: non_neg_integer,
          full: pos_integer
        }

  @type place :: {commit_lsn :: Lsn.t(), index :: non_neg_integer}
  @type oid :: non_neg_integer

  @most 4_096
  @spare 512

  # names  tables that have, or had, a name
  # size   states that have a place; at so many the oldest are forgotten
  defstruct tables: %{}, names: %{}, size: 0, full: @most + @spare

  @spec new() :: t
  def new, do: %__MODULE__{}

  @doc "Remembers a change; others than schema changes are passed over."
  @spec put(t, Change.t()) :: t
  def put(%__MODULE__{tables: tables} = history, %Change{op: :schema} = change) do
    %SchemaChange{before: before, after: now} = change.schema_change
    oid = oid(change.schema_change)
    states = Map.get(tables, oid, [{:before, before}])
    new? = not List.keymember?(states, place(change), 0)

    forget(%{
      history
      | tables: Map.put(tables, oid, insert(states, place(change), now)),
        names: history.names |> add_name(before, oid) |> add_name(now, oid),
        size: history.size + if(new?, do: 1, else: 0)
    })
  end

  def put(%__MODULE__{} = history, %Change{}), do: history

  defp oid(%SchemaChange{before: nil, after: now}), do: now.oid
  defp oid(%SchemaChange{before: before}), do: before.oid

  defp place(change), do: {change.commit_lsn, change.index}

  # Mostly the latest. What comes again comes with what it had.
  defp insert([{later, _} = state | states], place, now) when later > place and later != :before,
    do: [state | insert(states, place, now)]

  defp insert([{place, _} | states], place, now), do: [{place, now} | states]
  defp insert(states, place, now), do: [{place, now} | states]

  defp add_name(names, nil, _oid), do: names

  defp add_name(names, relation, oid) do
    Map.update(names, name(relation), [oid], &if(oid in &1, do: &1, else: [oid | &1]))
  end

  ## Forgetting

  defp forget(%{size: size, full: full} = history) when size < full, do: history

  defp forget(%{tables: tables} = history) do
    places = for {_, states} <- tables, {{_, _} = place, _} <- states, do: place
    last = places |> Enum.sort(:desc) |> Enum.at(@most)

    tables =
      for {oid, states} <- tables, kept = keep(states, last), kept != [], into: %{} do
        {oid, kept}
      end

    size = Enum.sum(for {_, states} <- tables, do: Enum.count(states, &(elem(&1, 0) != :before)))

    names =
      for {oid, states} <- tables, {_, r} <- states, reduce: %{}, do: (n -> add_name(n, r, oid))

    %{history | tables: tables, names: names, size: size, full: max(@most, size) + @spare}
  end

  # What is later than the last place to be forgotten, and what there was at that place.
  defp keep(states, last) do
    case Enum.split_while(states, fn {from, _} -> from != :before and from > last end) do
      {[], [{_, nil} | _]} -> []
      {later, earlier} -> later ++ Enum.take(earlier, 1)
    end
  end

  ## Asking

  @doc """
  A table at a position, by its name there: `{:ok, relation}`, `{:ok, nil}` where there was
  none of this name, `:unknown` for a table that never changed.

  The position is that of a transaction, or a place within one.
  """
  @spec at(t, String.t(), Lsn.t() | place) :: {:ok, Relation.t() | nil} | :unknown
  def at(%__MODULE__{} = history, name, {_lsn, _index} = place) do
    found = for oid <- Map.get(history.names, name, []), do: state(history.tables[oid], place)

    case Enum.find(found, &named?(&1, name)) do
      {:ok, relation} -> {:ok, relation}
      nil -> if found == [] or :unknown in found, do: :unknown, else: {:ok, nil}
    end
  end

  def at(history, name, lsn) when is_integer(lsn), do: at(history, name, {lsn, :last})

  defp state(states, place) do
    case Enum.find(states, fn {from, _} -> from == :before or from <= place end) do
      {_, relation} -> {:ok, relation}
      nil -> :unknown
    end
  end

  defp named?({:ok, %Relation{} = relation}, name), do: name(relation) == name
  defp named?(_state, _name), do: false

  @doc false
  # The change with what its table was after the change before, if that is known. What
  # comes with it may lack what another transaction has done meanwhile.
  @spec since_last(t, Change.t()) :: Change.t()
  def since_last(%__MODULE__{tables: tables}, %Change{schema_change: schema_change} = change) do
    states = Map.get(tables, oid(schema_change), [])
    earlier = Enum.find(states, fn {from, _} -> from == :before or from < place(change) end)

    case {earlier, schema_change} do
      {{_, before}, %{before: told, after: now}}
      when before != told and {before, now} != {nil, nil} ->
        %{change | schema_change: SchemaChange.new(before, now)}

      _ ->
        change
    end
  end

  @doc false
  # The names under which the table of a change is known.
  @spec names(t, Change.t()) :: [String.t()]
  def names(%__MODULE__{tables: tables}, %Change{schema_change: change}) do
    states = Map.get(tables, oid(change), [])
    Enum.uniq(for {_, %Relation{} = relation} <- states, do: name(relation))
  end

  @doc false
  # What is known of a name, apart.
  @spec only(t, String.t()) :: t
  def only(%__MODULE__{} = history, name) do
    oids = Map.get(history.names, name, [])
    %{history | tables: Map.take(history.tables, oids), names: %{name => oids}}
  end

  @doc false
  @spec all_names(t) :: [String.t()]
  def all_names(%__MODULE__{names: names}), do: Map.keys(names)

  defp name(relation), do: "#{text(relation.schema)}.#{text(relation.table)}"

  defp text({:unconverted, bytes}), do: bytes
  defp text(name), do: name
end
