defmodule PgEtf.Fanout.WireTest do
  use ExUnit.Case, async: true

  alias PgEtf.Fanout.Wire
  alias PgEtf.Testing

  defp there(changes) do
    packed = Wire.pack(changes)
    {Wire.unpack(packed), byte_size(:erlang.term_to_binary(packed))}
  end

  test "what arrives is what was sent" do
    row = &%{"id" => &1, "at" => ~U[2026-11-29 07:00:00.000000Z], "none" => nil}
    wide = for n <- 1..40, into: %{}, do: {"column #{n}", n}

    changes = [
      Testing.insert("a", row.(1)),
      Testing.insert("a", row.(2)),
      Testing.insert("b", row.(3)),
      Testing.update("b", row.(3), row.(4), old_record: row.(3)),
      Testing.update("b", row.(4), %{"id" => 5}),
      Testing.delete("a", %{"id" => 1}),
      %{Testing.delete("a", %{"id" => 1}) | key: nil},
      Testing.insert("wide", wide),
      Testing.insert("wide", %{wide | "column 1" => :else}),
      %{Testing.insert("a", row.(6)) | record: URI.parse("x:y")},
      %{Testing.insert("a", %{}) | op: :truncate, record: nil, key: nil}
    ]

    for seed <- 1..50 do
      :rand.seed(:exsss, seed)
      some = Testing.transaction(Enum.take_random(changes, Enum.random(1..11))).changes
      some = some ++ Enum.take_random(changes, 3)
      assert {^some, _bytes} = there(some)
    end
  end

  test "rows of a transaction have the rest in common" do
    rows = for n <- 1..100, do: Testing.insert("a", %{"id" => n, "a column" => "x"})
    changes = Testing.transaction(rows).changes
    {^changes, bytes} = there(changes)
    assert 5 * bytes < byte_size(:erlang.term_to_binary(changes))
  end
end
