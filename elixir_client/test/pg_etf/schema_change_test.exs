defmodule PgEtf.SchemaChangeTest do
  use ExUnit.Case, async: true

  alias PgEtf.{Relation, SchemaChange}

  doctest SchemaChange

  defp table(columns, fields \\ []) do
    {name, filenode} = {fields[:name] || "t", fields[:filenode] || 1}

    Relation.state(
      5,
      {"public", name, fields[:identity] || :default, filenode, columns},
      :strings
    )
  end

  defp compatible?(before, now, fields \\ []) do
    SchemaChange.compatible?(SchemaChange.new(table(before), table(now, fields)))
  end

  defp varchar(size), do: {1, "v", 1043, "varchar", if(size, do: size + 4, else: -1), []}

  defp numeric(digits, scale) do
    <<typmod::32>> = <<digits::16, 0::5, scale::signed-11>>
    {1, "n", 1700, "numeric", typmod + 4, []}
  end

  test "what a copy can take" do
    id = {1, "id", 23, "int4", -1, [:not_null, :key]}
    note = {2, "note", 25, "text", -1, []}
    assert compatible?([id], [id, note])
    assert compatible?([id], [id, {2, "n", 23, "int4", -1, [:not_null, {:missing, 7}]}])
    refute compatible?([id], [id, {2, "n", 23, "int4", -1, [:not_null]}])
    refute compatible?([id, note], [id])
    refute compatible?([id, note], [id, {2, "memo", 25, "text", -1, []}])
    refute compatible?([id, note], [id, note], name: "u")
    refute compatible?([id], [id], identity: :full)
    refute compatible?([id], [{1, "id", 23, "int4", -1, [:key]}])
    refute compatible?([id], [id, note], filenode: 2)
  end

  test "what is wider" do
    assert compatible?([varchar(10)], [varchar(20)])
    assert compatible?([varchar(10)], [varchar(nil)])
    refute compatible?([varchar(20)], [varchar(10)])
    refute compatible?([varchar(nil)], [varchar(10)])
    assert compatible?([numeric(5, 2)], [numeric(7, 3)])
    refute compatible?([numeric(5, 2)], [numeric(5, 3)])
    refute compatible?([numeric(5, 2)], [numeric(7, 1)])
    refute compatible?([varchar(10)], [{1, "v", 25, "text", -1, []}])
  end

  test "a column keeps its number" do
    before = table([{1, "a", 23, "int4", -1, []}, {2, "b", 23, "int4", -1, []}])
    now = table([{1, "b", 23, "int4", -1, []}, {3, "a", 20, "int8", -1, []}])
    change = SchemaChange.new(before, now)
    assert [{%{name: "a"}, %{name: "b"}}] = change.renamed
    assert [%{name: "b", number: 2}] = change.dropped
    assert [%{name: "a", number: 3}] = change.added
    assert SchemaChange.new(nil, now).kind == :created
    assert SchemaChange.new(now, nil).kind == :dropped
  end
end
