defmodule PgEtf.Decode.Event do
  @moduledoc false
  # From an event in a frame, and the relation that it is about, to a change.

  import PgEtf.Decode.Malformed, only: [malformed: 1, preview: 1]

  alias PgEtf.{Change, Command, Relation, SchemaChange}
  alias PgEtf.Decode.Row

  @doc "The change of an event, whose place and transaction the given one has."
  @spec change(tuple, Change.t(), non_neg_integer, %{optional(non_neg_integer) => Relation.t()}) ::
          Change.t()
  def change({:insert, oid, new}, change, index, relations) do
    relation = fetch!(relations, oid)
    {record, toast} = row(new, relation)

    %{
      change
      | op: :insert,
        index: index,
        schema: relation.schema,
        table: relation.table,
        types: relation.types,
        record: record,
        unchanged_toast: toast,
        key: key(record, relation)
    }
  end

  def change({:update, oid, old, new}, change, index, relations) do
    relation = fetch!(relations, oid)
    {record, toast} = row(new, relation)
    old_record = old_row(old, relation)

    complete(
      %{
        change
        | op: :update,
          index: index,
          schema: relation.schema,
          table: relation.table,
          types: relation.types,
          record: record,
          unchanged_toast: toast,
          old_record: old_record,
          key: key(old_record || record, relation)
      },
      relation
    )
  end

  def change({:delete, oid, old}, change, index, relations) do
    relation = fetch!(relations, oid)
    old_record = old_row(old, relation)

    %{
      change
      | op: :delete,
        index: index,
        schema: relation.schema,
        table: relation.table,
        types: relation.types,
        old_record: old_record,
        key: key(old_record, relation)
    }
  end

  def change({:truncate, [_ | _] = oids, options}, change, index, relations) do
    [{schema, table} | _] =
      truncated =
      for oid <- oids do
        relation = fetch!(relations, oid)
        {relation.schema, relation.table}
      end

    %{
      change
      | op: :truncate,
        index: index,
        schema: schema,
        table: table,
        truncated: truncated,
        truncate_options: options
    }
  end

  def change({:schema, oid, before, now}, change, index, _relations) do
    schema_change = SchemaChange.new(state(oid, before), state(oid, now))
    table = schema_change.after || schema_change.before

    %{
      change
      | op: :schema,
        index: index,
        schema: table.schema,
        table: table.table,
        schema_change: schema_change
    }
  end

  def change({:ddl, command}, change, index, _relations) do
    %{change | op: :ddl, index: index, command: Command.new(command)}
  end

  def change({:message, prefix, content}, change, index, _relations) do
    %{change | op: :message, index: index, prefix: prefix, content: content}
  end

  def change(other, _change, _index, _relations) do
    malformed("an event of an unknown kind: #{preview(other)}")
  end

  @doc "A row of a table that was read, in a change that has all but the row."
  @spec read(tuple | map, Change.t(), Relation.t()) :: Change.t()
  def read(row, change, relation) do
    {record, toast} = row(row, relation)
    %{change | record: record, unchanged_toast: toast, key: key(record, relation)}
  end

  defp state(oid, state), do: Relation.state(oid, state, :strings)

  @doc "The relation that was described; what is malformed is thrown."
  @spec fetch!(%{optional(non_neg_integer) => Relation.t()}, non_neg_integer) :: Relation.t()
  def fetch!(relations, oid) do
    case relations do
      %{^oid => relation} -> relation
      %{} -> malformed("a row of relation #{oid}, which has not been described")
    end
  end

  # With `updates: :changed` a record has the primary key and what differs from the old row.
  defp complete(%{record: record, unchanged_toast: toast} = change, %{row: {width, _}})
       when map_size(record) + length(toast) == width,
       do: change

  defp complete(%{record: record, old_record: old} = change, relation) do
    names = Map.keys(record) -- if(old, do: same(record, old), else: relation.key_names)
    %{change | record: Map.merge(old || %{}, record), changed: names}
  end

  defp same(record, old), do: for({name, value} <- record, old[name] === value, do: name)

  ## Rows

  defp old_row({:full, row}, relation), do: row |> row(relation) |> elem(0)
  defp old_row({:key, row}, relation), do: key_row(row, relation)
  defp old_row(none, _relation) when none in [nil, :none], do: nil

  defp old_row(other, _relation),
    do: malformed("an old row of an unknown kind: #{preview(other)}")

  defp row(values, %Relation{row: plan} = relation) when is_tuple(values) do
    finish(values, plan, relation)
  end

  # rows=map: names come with the values, in a dialect that leaves nothing to do.
  defp row(%{} = row, %Relation{}) do
    case for {name, :unchanged_toast} <- row, do: name do
      [] -> {row, []}
      toast -> {Map.drop(row, toast), toast}
    end
  end

  defp row(_other, relation), do: malformed("a row of #{relation.table} is not a row")

  # A key travels as the key columns alone; a row of full width with NULL in
  # the other columns is taken as well.
  defp key_row(values, %Relation{key_row: {width, _} = plan} = relation)
       when is_tuple(values) and tuple_size(values) == width do
    values |> finish(plan, relation) |> elem(0)
  end

  defp key_row(values, relation) do
    {row, _toast} = row(values, relation)
    Map.take(row, relation.key_names)
  end

  defp finish(values, plan, relation) do
    case Row.finish(values, plan) do
      :error ->
        malformed(
          "a row of #{relation.schema}.#{relation.table} does not have its " <>
            "columns"
        )

      finished ->
        finished
    end
  end

  defp key(nil, _relation), do: nil
  defp key(_row, %Relation{key_names: []}), do: nil

  defp key(row, %Relation{key_names: [name]}) do
    case row do
      %{^name => value} -> %{name => value}
      %{} -> %{}
    end
  end

  defp key(row, %Relation{key_names: names}), do: Map.take(row, names)
end
