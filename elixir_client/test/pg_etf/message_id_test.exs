defmodule PgEtf.MessageIdTest do
  use ExUnit.Case, async: true

  doctest PgEtf, only: [message_id: 2]

  alias PgEtf.Testing

  test "it is one for each change, and the same each time" do
    [a, b] = Testing.transaction([Testing.insert("t", %{}), Testing.insert("t", %{})]).changes
    assert PgEtf.message_id(a) != PgEtf.message_id(b)
    assert PgEtf.message_id(a) == PgEtf.message_id(%{a | record: %{"x" => 1}})
    assert PgEtf.message_id(a, "72") == "72/" <> PgEtf.message_id(a)
    message = %{data: a, metadata: Testing.metadata(a)}
    assert PgEtf.message_id(message) == PgEtf.message_id(a)
    assert PgEtf.message_id(%{message | data: "done"}) == PgEtf.message_id(a)
    transaction = Testing.transaction([a])
    assert PgEtf.message_id(transaction) =~ ~r{^0/[0-9A-F]+/0$}
  end

  test "what is not counted has one of its own" do
    a = Testing.insert("t", %{"id" => 1})
    read = %{a | op: :read, index: nil, backfill: %{id: "b", chunk: 1}}
    schema = %{a | op: :schema, schema_change: :one}

    ids =
      for change <- [
            a,
            read,
            %{read | key: %{"id" => 2}},
            schema,
            %{schema | schema_change: :two},
            %{schema | op: :ddl}
          ],
          do: PgEtf.message_id(change)

    assert ids == Enum.uniq(ids)
  end
end
