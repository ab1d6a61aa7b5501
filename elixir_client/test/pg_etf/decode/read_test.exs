defmodule PgEtf.Decode.ReadTest do
  use ExUnit.Case, async: true

  alias PgEtf.{Change, Frame}
  alias PgEtf.Decode.Read

  @relation {:relation, 16_385, "public", "orders", :default,
             [{"id", 20, "int8", -1, [:key]}, {"total", 1700, "numeric", 655_366, []}]}

  @template %Change{op: nil, commit_lsn: 900, index: nil, backfill: %{id: "b", chunk: 3}}

  defp read(count, events, opts \\ []) do
    Read.decode(Frame.decoder(opts), {:read, {"b", 3}, count, events}, @template)
  end

  test "a row is what its insert would be, with the place of its chunk" do
    row = {:read, 16_385, {1, {995, -2}}}
    assert {:ok, [change], _decoder} = read(1, [@relation, row])

    assert change == %Change{
             op: :read,
             schema: "public",
             table: "orders",
             record: %{
               "id" => 1,
               "total" => %{__struct__: Decimal, sign: 1, coef: 995, exp: -2}
             },
             key: %{"id" => 1},
             commit_lsn: 900,
             index: nil,
             backfill: %{id: "b", chunk: 3}
           }

    insert =
      {:tx, :whole, {1, 900, 950, 0}, 0, 1, %{}, [@relation, {:insert, 16_385, {1, {995, -2}}}]}

    {:ok, %{changes: [inserted]}, _} = Frame.decode(Frame.decoder(), insert)
    assert {change.record, change.key} == {inserted.record, inserted.key}
  end

  test "what the range has described is known in its next frames" do
    {:ok, [], decoder} = read(0, [@relation], keys: :create_atoms)
    frame = {:read, {"b", 3}, 2, [{:read, 16_385, {1, nil}}, {:read, 16_385, {2, nil}}]}
    assert {:ok, [_, %{record: %{id: 2, total: nil}}], _} = Read.decode(decoder, frame, @template)
  end

  test "whatever else comes is an error that has no rows in it" do
    secret = "a secret of the row"

    for {count, events, reason} <- [
          {1, [{:read, 16_385, {secret}}], "not been described"},
          {1, [@relation, {:read, 16_385, {secret}}], "does not have its columns"},
          {2, [@relation, {:read, 16_385, {1, nil}}], "another number of rows"},
          {1, [@relation, {:insert, 16_385, {1, secret}}], "unknown kind"},
          {1, [secret], "unknown kind"},
          {1, :none, "malformed frame"}
        ] do
      assert {:error, text} = read(count, events)
      assert text =~ reason
      refute text =~ secret
    end

    assert {:error, "a frame of rows that are read" <> _} =
             Read.decode(Frame.decoder(), {:read_end, {"b", 3}, %{}}, @template)
  end
end
