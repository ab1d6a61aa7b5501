defmodule PgEtf.Stream.HaltTest do
  # A stream that halts behind changes of tables.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{Consumer, FakeSlot, Stage}
  alias PgEtf.FakeSlot.Log

  @alter Log.alter(1, "t")
  # An older row has nothing in the new column.
  @incompatible Log.alter(1, "t", [:not_null])
  @other Log.alter(2, "other")

  defp start(sizes, uncounted, more \\ []) do
    FakeSlot.start(sizes, [uncounted: uncounted] ++ more)
  end

  defp halting(slot, more \\ []) do
    produce(slot, Keyword.merge([ddl: :tables, on_schema_change: :halt], more))
  end

  # What is handed out until nothing more comes.
  defp all(stage, slot) do
    Stage.ask(stage, 1_000)
    Stage.settle(stage, slot)
    flush(stage)
  end

  defp flush(stage) do
    receive do
      {Stage, ^stage, messages} -> messages ++ flush(stage)
    after
      0 -> []
    end
  end

  defp told(messages) do
    for %{data: change} <- messages, do: (change.record && change.record["id"]) || change.table
  end

  defp resume(stage, slot) do
    :ok = PgEtf.resume(stage)
    all(stage, slot)
  end

  defp halted?(stage), do: Stage.info(stage).status == :halted

  defp stop(stage), do: GenServer.stop(stage, :shutdown)

  test "nothing is handed out behind a change before somebody resumes" do
    slot = start([3, 0, 2], %{{1, 1} => [@alter], {2, 0} => [@other]})
    stage = halting(slot)
    first = all(stage, slot)
    assert told(first) == [0, "t"]
    assert %{status: :halted, error: error, progress: :halted} = Stage.info(stage)
    assert error.class == :schema_change
    assert error.message == "table public.t was altered at 0/64, with added"
    assert %{table: "t", index: 1, commit_lsn: 100} = error.details
    PgEtf.ack(first)
    assert all(stage, slot) == []

    second = resume(stage, slot)
    assert told(second) == [1, 2, "other"]
    assert %{status: :halted, error: %{details: %{table: "other"}}} = Stage.info(stage)
    PgEtf.ack(second)
    assert all(stage, slot) == []
    # What only alters tables has ended, but is not confirmed.
    assert FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1)

    third = resume(stage, slot)
    assert told(third) == [3, 4]
    assert %{status: :connected, error: nil} = Stage.info(stage)
    PgEtf.ack(third)
    eventually(fn -> done?(slot, 3) end)
    assert FakeSlot.runs(slot) == 1
    assert FakeSlot.breaches(slot) == []
  end

  test "each frame a row: the same" do
    slot = start([3, 0, 2], %{{1, 1} => [@alter], {1, 3} => [@other]}, frame: 1)
    stage = halting(slot)
    assert stage |> all(slot) |> told() == [0, "t"]
    assert stage |> resume(slot) |> told() == [1, 2, "other"]
    assert halted?(stage)
    assert stage |> resume(slot) |> told() == [3, 4]
    refute halted?(stage)
  end

  test "changes at one place come together" do
    slot = start([2], %{{1, 1} => [@alter, {:ddl, command()}, @other]})
    stage = halting(slot)
    assert stage |> all(slot) |> told() == [0, "t", nil, "other"]
    assert %{error: %{details: %{table: "other"}}} = Stage.info(stage)
    assert stage |> resume(slot) |> told() == [1]
  end

  defp command, do: %{tag: "ALTER TABLE", text: "", objects: [], user: "x"}

  test "only what a copy cannot take, if that is wanted" do
    slot = start([2, 2, 2], %{{1, 1} => [@alter], {2, 1} => [@incompatible, @other]})
    stage = halting(slot, on_schema_change: :halt_incompatible)
    assert stage |> all(slot) |> told() == [0, "t", 1, 2, "t", "other"]
    assert halted?(stage)
    assert stage |> resume(slot) |> told() == [3, 4, 5]
  end

  test "by default it continues" do
    slot = start([2, 2], %{{1, 1} => [@incompatible]})
    stage = produce(slot, ddl: :tables)
    assert stage |> all(slot) |> told() == [0, "t", 1, 2, 3]
  end

  test "a new life of the program halts at the same place, and not where somebody resumed" do
    slot = start([3, 2], %{{1, 1} => [@alter], {1, 2} => [@other]})
    stage = halting(slot)
    first = all(stage, slot)
    PgEtf.ack(first)
    FakeSlot.kill(slot)
    eventually(fn -> FakeSlot.runs(slot) == 2 end)
    assert stage |> all(slot) |> told() == [0, "t"]
    assert halted?(stage)
    assert stage |> resume(slot) |> told() == [1, "other"]
    FakeSlot.kill(slot)
    eventually(fn -> FakeSlot.runs(slot) == 3 end)
    again = all(stage, slot)
    assert told(again) == [0, "t", 1, "other"]
    assert halted?(stage)
    rest = resume(stage, slot)
    assert told(rest) == [2, 3, 4]
    PgEtf.ack(again ++ rest)
    eventually(fn -> done?(slot, 2) end)
  end

  test "another process halts there again: nothing is confirmed before somebody resumes" do
    slot = start([1, 0, 1], %{{2, 0} => [@alter]})
    stage = halting(slot)
    first = all(stage, slot)
    assert told(first) == [0, "t"]
    PgEtf.ack(first)
    eventually(fn -> done?(slot, 1) end)
    stop(stage)
    assert done?(slot, 1)

    stage = halting(slot)
    again = all(stage, slot)
    assert told(again) == ["t"]
    assert halted?(stage)
    PgEtf.ack(again)
    rest = resume(stage, slot)
    assert told(rest) == [1]
    PgEtf.ack(rest)
    eventually(fn -> done?(slot, 3) end)
  end

  test "a connection that is lost and found leaves it halted" do
    slot = start([3], %{{1, 1} => [@alter]})
    stage = halting(slot)
    assert [_, _] = all(stage, slot)
    details = %{class: :network, message: "gone", hint: "", failures: 1, delay: 1}
    FakeSlot.inject(slot, {:status, :reconnecting, details})
    assert %{status: :halted, error: %{class: :schema_change}} = Stage.info(stage)
    FakeSlot.inject(slot, {:status, :connected, %{}})
    FakeSlot.reconnect(slot)
    assert all(stage, slot) == []
    assert %{status: :halted, error: %{class: :schema_change}} = Stage.info(stage)
    assert stage |> resume(slot) |> told() == [1, 2]
    assert %{status: :connected, error: nil} = Stage.info(stage)
  end

  test "a message that fails while it is halted comes again before it" do
    slot = start([3], %{{1, 1} => [@alter]})
    stage = halting(slot, on_failure: :requeue)
    [row, schema] = all(stage, slot)
    PgEtf.ack([schema], [row])
    eventually(fn -> match?([%{data: %{op: :insert, index: 0}}], all(stage, slot)) end)
    assert halted?(stage)
    assert stage |> resume(slot) |> told() == [1, 2]
  end

  defmodule Whole do
    @behaviour Consumer

    @impl true
    def handle_transaction(transaction, test) do
      changes = for c <- transaction.changes, do: (c.record && c.record["id"]) || c.table
      send(test, {transaction.part, transaction.first_index, changes})
      {:ok, test}
    end
  end

  test "a transaction ends its part there" do
    slot = start([3, 0, 1], %{{1, 2} => [@alter], {2, 0} => [@other]})
    more = [ddl: :tables, on_schema_change: :halt]
    {:ok, consumer} = Consumer.start_link(Whole, self(), opts(slot, more))
    assert_receive {:first, 0, [0, 1, "t"]}
    eventually(fn -> PgEtf.info(consumer).status == :halted end)
    FakeSlot.settle(slot, [consumer])
    refute_received {_, _, _}
    PgEtf.resume(consumer)
    assert_receive {:last, 2, [2]}
    assert_receive {:first, 0, ["other"]}
    eventually(fn -> done?(slot, 1) and PgEtf.info(consumer).status == :halted end)
    PgEtf.resume(consumer)
    assert_receive {:last, 0, []}
    assert_receive {:whole, 0, [3]}
    eventually(fn -> done?(slot, 3) end)
    GenServer.stop(consumer)
    assert FakeSlot.breaches(slot) == []
  end

  ## The history, and where it is stored

  defp store do
    {:ok, agent} = Agent.start_link(fn -> nil end)
    {agent, {fn -> Agent.get(agent, & &1) end, &Agent.update(agent, fn _ -> &1 end)}}
  end

  defp columns({:ok, relation}), do: Enum.map(relation.columns, & &1.name)

  test "a stream tells what tables were like, also before its start where that is stored" do
    slot = start([1, 0, 1, 0, 1], %{{2, 0} => [@alter], {4, 0} => [@other]})
    {_agent, store} = store()
    stage = halting(slot, schema_store: store)
    first = all(stage, slot)
    PgEtf.ack(first)
    assert columns(PgEtf.schema(stage, "public.t", 199)) == ["id"]
    assert columns(PgEtf.schema(stage, "public.t", 200)) == ["id", "added"]
    assert columns(PgEtf.schema(stage, "public.other", {400, 0})) == ["id", "added"]
    assert PgEtf.schema(stage, "public.never", 400) == :unknown
    assert told(resume(stage, slot)) == [1, "other"]
    stop(stage)

    # Nothing behind the first change was acknowledged, so it comes again, and does not halt.
    stage = halting(slot, schema_store: store)
    eventually(fn -> PgEtf.schema(stage, "public.t", 100) != :unknown end)
    messages = all(stage, slot)
    assert told(messages) == [1, "other"]
    assert halted?(stage)
    stop(stage)
  end

  test "a store that fails is a failed attempt, and nothing is handed out" do
    slot = start([1, 0], %{{2, 0} => [@alter]})
    {agent, {load, save}} = store()
    {:ok, broken} = Agent.start_link(fn -> :load end)

    store =
      {fn -> if Agent.get(broken, & &1) == :load, do: raise("no"), else: load.() end,
       fn stored -> if Agent.get(broken, & &1) == :save, do: raise("no"), else: save.(stored) end}

    stage = halting(slot, schema_store: store)
    eventually(fn -> match?(%{error: %{class: :exception}}, Stage.info(stage)) end)
    assert Stage.info(stage).error.message =~ "schema_store failed"
    assert all(stage, slot) == []
    Agent.update(broken, fn _ -> :save end)
    eventually(fn -> FakeSlot.runs(slot) > 1 end)
    assert flush(stage) == []
    assert Agent.get(agent, & &1) == nil
    Agent.update(broken, fn _ -> nil end)
    eventually(fn -> halted?(stage) end)
    assert stage |> flush() |> told() == [0, "t"]
    Agent.update(broken, fn _ -> :save end)
    :ok = PgEtf.resume(stage)
    eventually(fn -> Stage.info(stage).error.class == :exception end)
    Agent.update(broken, fn _ -> nil end)
    eventually(fn -> halted?(stage) end)
  end

  test "what was not given to it is not taken from a store" do
    slot = start([1], %{})

    for stored <- [:nonsense, "nonsense", :erlang.term_to_binary({0, nil, []})] do
      stage = halting(slot, schema_store: {fn -> stored end, fn _ -> :ok end})

      eventually(fn ->
        info = Stage.info(stage)
        info.error && info.error.message =~ "schema_store returned what it was not given"
      end)

      stop(stage)
    end
  end
end
