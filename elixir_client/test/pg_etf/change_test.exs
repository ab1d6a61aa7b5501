defmodule PgEtf.ChangeTest do
  use ExUnit.Case, async: true

  alias PgEtf.Change

  doctest Change

  defp change(fields), do: struct!(Change, [op: :update, commit_lsn: 8, index: 0] ++ fields)

  test "changes are those of the columns that both rows have" do
    new = %{"id" => 2, "a" => 1}
    assert Change.changes(change(old_record: %{"id" => 1}, record: new)) == %{"id" => {1, 2}}
    assert Change.changes(change(old_record: nil, record: new)) == %{}
    assert Change.changes(change(op: :insert, record: %{"id" => 1})) == %{"id" => {nil, 1}}
    assert Change.changes(change(op: :delete, old_record: %{"id" => 1})) == %{"id" => {1, nil}}
    assert Change.changes(change(op: :delete)) == %{}
    assert Change.changes(change(op: :truncate)) == %{}
  end
end
