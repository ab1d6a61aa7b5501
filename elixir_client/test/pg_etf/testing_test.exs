defmodule PgEtf.TestingTest do
  use ExUnit.Case, async: true

  doctest PgEtf.Testing

  alias PgEtf.{Change, Testing}

  test "builders give what the stream delivers" do
    assert %Change{op: :delete, key: %{a: 1}, old_record: %{a: 1}, record: nil} =
             Testing.delete("t", %{a: 1, b: 2}, key: [:a])

    assert %Change{op: :update, old_record: nil, key: %{"id" => 1}} =
             Testing.update("t", nil, %{"id" => 1})

    assert %Change{truncated: [{"s", "a"}, {"s", "b"}], table: "a"} =
             Testing.truncate(["a", "b"], schema: "s")

    assert %Change{op: :message, prefix: "p", content: "c", table: nil} =
             Testing.logical_message("p", "c")

    assert %Change{key: nil, xid: 5} = Testing.insert("t", %{"x" => 1}, xid: 5)
  end

  test "the earlier name is one" do
    change = PgEtf.Test.insert("t", %{"id" => 1})

    assert %{change: ^change, op: :message} = %{
             change: change,
             op: PgEtf.Test.message("p", "c").op
           }

    names = [
      insert: 3,
      update: 4,
      delete: 3,
      truncate: 2,
      transaction: 2,
      decision: 2,
      metadata: 1
    ]

    for {name, arity} <- names, do: assert(function_exported?(PgEtf.Test, name, arity))
  end

  test "later transactions are later" do
    assert Testing.insert("t", %{}).commit_lsn < Testing.insert("t", %{}).commit_lsn
    assert Testing.metadata(Testing.insert("t", %{})).table == "t"
    assert Testing.metadata(Testing.transaction([])).part == :whole
  end

  test "changes of one row go the same way" do
    insert = Testing.insert("t", %{"id" => 1})
    update = Testing.update("t", %{"id" => 1}, %{"id" => 2})
    other = Testing.insert("t", %{"id" => 2})
    assert PgEtf.partition_by(insert) == PgEtf.partition_by(%{data: update})
    assert PgEtf.partition_by(insert) != PgEtf.partition_by(other)
    assert PgEtf.partition_by(Testing.transaction([])) == 0
  end
end
