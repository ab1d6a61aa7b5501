defmodule PgEtf.ConsumerTwoPhaseTest do
  use PgEtf.StreamCase, async: true

  alias PgEtf.{Consumer, FakeSlot}

  # Tells its test what it gets.
  defmodule TwoPhase do
    @behaviour PgEtf.Consumer

    @impl true
    def handle_transaction(transaction, test), do: tell(test, :transaction, transaction.xid)

    @impl true
    def handle_prepare(transaction, test) do
      ids = for change <- transaction.changes, do: change.record["id"]
      tell(test, :prepare, {transaction.prepared, transaction.part, ids})
    end

    @impl true
    def handle_commit_prepared(decision, test), do: tell(test, :commit, decision)

    @impl true
    def handle_rollback_prepared(decision, test), do: tell(test, :rollback, decision)

    defp tell(test, what, data) do
      send(test, {what, data})
      {:ok, test}
    end
  end

  defmodule HalfTwoPhase do
    @behaviour PgEtf.Consumer

    @impl true
    def handle_transaction(_transaction, state), do: {:ok, state}

    @impl true
    def handle_prepare(_transaction, state), do: {:ok, state}

    @impl true
    def handle_commit_prepared(_decision, state), do: {:ok, state}
  end

  defp prepare_frame(part, {_, _, _, _} = head, gid, first, ids) do
    relation = {:relation, 1, "public", "t", :default, [{"id", 20, "int8", -1, [:key]}]}
    events = [relation | for(id <- ids, do: {:insert, 1, {id}})]
    {:prepare, part, head, first, length(ids), %{gid: gid}, events}
  end

  defp last_breach(slot), do: slot |> FakeSlot.breaches() |> List.first()

  test "prepared transactions and decisions have callbacks of their own, in order" do
    slot = FakeSlot.start([1])
    opts = opts(slot, two_phase: true, max_transaction_changes: 2)
    {:ok, consumer} = Consumer.start_link(TwoPhase, self(), opts)
    assert_receive {:transaction, 1}
    assert FakeSlot.settings(slot).two_phase
    assert FakeSlot.settings(slot).streaming == false

    FakeSlot.inject(slot, [
      prepare_frame(:first, {7, 1000, 1008, 0}, "g", 0, [1, 2]),
      prepare_frame(:last, {7, 1000, 1008, 0}, "g", 2, [3]),
      prepare_frame(:whole, {8, 1100, 1108, 0}, "", 0, []),
      {:commit_prepared, {7, 1200, 1208, 0}, %{gid: "g"}},
      {:rollback_prepared, {8, 1300, 1308, 0}, %{gid: ""}}
    ])

    assert_receive {:prepare, {"g", :first, [1, 2]}}
    assert_receive {:prepare, {"g", :last, [3]}}
    assert_receive {:prepare, {"", :whole, []}}
    assert_receive {:commit, %PgEtf.Prepared{op: :commit, gid: "g", xid: 7, end_lsn: 1208}}
    assert_receive {:rollback, %PgEtf.Prepared{op: :rollback, gid: "", lsn: 1300}}
    eventually(fn -> FakeSlot.confirmed(slot) == 1308 end)
    GenServer.stop(consumer)
  end

  test "what was prepared late does not take the position back" do
    slot = FakeSlot.start([1, 1, 1])
    {:ok, consumer} = Consumer.start_link(TwoPhase, self(), opts(slot, two_phase: true))
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3) end)
    FakeSlot.inject(slot, [prepare_frame(:whole, {7, 10, 18, 0}, "late", 0, [1])])
    assert_receive {:prepare, {"late", :whole, [1]}}
    FakeSlot.inject(slot, [{:commit_prepared, {7, 1200, 1208, 0}, %{gid: "late"}}])
    assert_receive {:commit, _}
    eventually(fn -> FakeSlot.confirmed(slot) == 1208 end)
    refute last_breach(slot) =~ "went back"
    assert length(FakeSlot.breaches(slot)) == 1
    GenServer.stop(consumer)
  end

  test "a prepared transaction that is repeated goes on where it was" do
    slot = FakeSlot.start([])
    opts = opts(slot, two_phase: true, max_transaction_changes: 2)
    {:ok, consumer} = Consumer.start_link(TwoPhase, self(), opts)
    head = {7, 1000, 1008, 0}
    FakeSlot.inject(slot, [prepare_frame(:first, head, "g", 0, [1, 2])])
    assert_receive {:prepare, {"g", :first, [1, 2]}}
    FakeSlot.inject(slot, {:rewind, 1000})

    # Rolled back meanwhile, so the server could not decode the rest.
    FakeSlot.inject(slot, [prepare_frame(:whole, head, "g", 0, [1])])
    assert_receive {:prepare, {"g", :last, []}}
    GenServer.stop(consumer)
  end

  defmodule Whole do
    @behaviour PgEtf.Consumer

    @impl true
    def handle_transaction(_transaction, state), do: {:ok, state}
  end

  defmodule Changes do
    @behaviour PgEtf.Consumer

    @impl true
    def handle_changes(_changes, state), do: {:ok, state}
  end

  test "all three callbacks, or none" do
    for {module, opts, text} <- [
          {Changes, opts("s", two_phase: true), "needs handle_transaction/2"},
          {HalfTwoPhase, opts("s", two_phase: true), "needs handle_rollback_prepared/2"},
          {HalfTwoPhase, opts("s"), "only called with two_phase: true"},
          {Whole, opts("s", two_phase: true), "needs handle_prepare/2"}
        ] do
      assert_raise ArgumentError, ~r/#{Regex.escape(text)}/, fn ->
        Consumer.start_link(module, self(), opts)
      end
    end
  end
end
