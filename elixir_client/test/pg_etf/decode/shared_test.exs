defmodule PgEtf.Decode.SharedTest do
  # The limit is that of the node: other streams do without it for a moment.
  use ExUnit.Case, async: false

  alias PgEtf.{Change, Frame}
  alias PgEtf.Decode.{Deferred, Shared}

  @bytes 67_108_864

  defp unique, do: {:unique, System.unique_integer(), List.duplicate("a name", 20)}

  defp used, do: :persistent_term.get(Shared)

  # As if so much were shared already.
  defp with_used(bytes, fun) do
    before = :atomics.exchange(used(), 1, bytes)

    try do
      fun.()
    after
      :atomics.put(used(), 1, before)
    end
  end

  defp taken(fun) do
    before = :atomics.get(used(), 1)
    fun.()
    :atomics.get(used(), 1) - before
  end

  # Whether the VM copies it on the way to another process and back.
  defp copied?(term) do
    back = Task.await(Task.async(fn -> term end))
    not :erts_debug.same(term, back)
  end

  test "a term is stored once, and is the same" do
    term = unique()
    assert {true, shared} = Shared.share(term)
    assert shared == term
    assert copied?(term)
    refute copied?(shared)
    copy = :erlang.binary_to_term(:erlang.term_to_binary(term))
    assert taken(fn -> assert {true, ^shared} = Shared.share(copy) end) == 0
    assert :erts_debug.same(elem(Shared.share(copy), 1), shared)
  end

  test "above the limit a term stays where it is, and costs nothing" do
    term = unique()

    with_used(@bytes - 100, fn ->
      assert taken(fn -> assert Shared.share(term) == {false, term} end) == 0
      assert {true, _} = Shared.share(:little)
    end)

    assert {true, _} = Shared.share(term)
  end

  test "rows of a table that is not shared are finished before they are sent" do
    name = "t#{System.unique_integer([:positive])}"
    relation = {:relation, 1, "public", name, :default, [{"id", 20, "int8", -1, [:key]}]}
    frame = {:tx, :whole, {1, 16, 24, 1}, 0, 1, %{}, [relation, {:insert, 1, {1}}]}

    kind = fn deferred ->
      decoder = Frame.stream_decoder(deferred: deferred)
      {:ok, %{changes: [change]}, _} = Frame.decode(decoder, frame)
      change.__struct__
    end

    with_used(@bytes, fn -> assert {kind.(:shared), kind.(true)} == {Change, Deferred} end)
    assert kind.(:shared) == Deferred
  end
end
