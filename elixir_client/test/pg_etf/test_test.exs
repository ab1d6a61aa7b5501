defmodule PgEtf.TestTest do
  use ExUnit.Case, async: true

  doctest PgEtf.Test

  alias PgEtf.{Change, Test}

  test "builders give what the stream delivers" do
    assert %Change{op: :delete, key: %{a: 1}, old_record: %{a: 1}, record: nil} =
             Test.delete("t", %{a: 1, b: 2}, key: [:a])

    assert %Change{op: :update, old_record: nil, key: %{"id" => 1}} =
             Test.update("t", nil, %{"id" => 1})

    assert %Change{truncated: [{"s", "a"}, {"s", "b"}], table: "a"} =
             Test.truncate(["a", "b"], schema: "s")

    assert %Change{op: :message, prefix: "p", content: "c", table: nil} = Test.message("p", "c")
    assert %Change{key: nil, xid: 5} = Test.insert("t", %{"x" => 1}, xid: 5)
  end

  test "later transactions are later" do
    assert Test.insert("t", %{}).commit_lsn < Test.insert("t", %{}).commit_lsn
    assert Test.metadata(Test.insert("t", %{})).table == "t"
    assert Test.metadata(Test.transaction([])).part == :whole
  end

  test "changes of one row go the same way" do
    insert = Test.insert("t", %{"id" => 1})
    update = Test.update("t", %{"id" => 1}, %{"id" => 2})
    other = Test.insert("t", %{"id" => 2})
    assert PgEtf.partition_by(insert) == PgEtf.partition_by(%{data: update})
    assert PgEtf.partition_by(insert) != PgEtf.partition_by(other)
    assert PgEtf.partition_by(Test.transaction([])) == 0
  end
end
