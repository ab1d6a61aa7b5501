defmodule PgEtf.UpdateTest do
  # PgEtf.update/2: another start of the stream, and of nothing else.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{Consumer, FakeSlot, Integration, Stage}

  defp consume(slot, more) do
    opts = opts(slot, [name: :"feed_#{slot}"] ++ more)
    start_supervised!({Consumer, {Integration.Collector, %{test: self()}, opts}})
  end

  defp tables(slot), do: slot |> FakeSlot.settings() |> get_in([:options, "include_tables"])

  test "a consumer goes on behind what it has acknowledged, with other tables" do
    slot = FakeSlot.start([2, 2])
    pid = consume(slot, tables: ["public.a"])
    changed(4)
    eventually(fn -> done?(slot, 2) end)
    assert PgEtf.update(pid, tables: ["public.a", "public.b"]) == :ok
    FakeSlot.append(slot, [1])
    assert changed(1) == [4]
    assert tables(slot) =~ "public.b"
    assert Process.alive?(pid)
    assert FakeSlot.runs(slot) == 2
    assert FakeSlot.breaches(slot) == []
    refute_received {:change, _}
  end

  test "a producer delivers again what is in flight, and nothing that is confirmed" do
    slot = FakeSlot.start([1, 2, 1])
    stage = produce(slot)
    [first, second, _third, _fourth] = Stage.take(stage, 4)
    PgEtf.ack([first])
    eventually(fn -> done?(slot, 1) end)
    assert PgEtf.update(stage, actions: [:insert]) == :ok
    again = Stage.take(stage, 3)
    assert ids(again) == [1, 2, 3]
    # It is of before: neither a breach nor a confirmation.
    PgEtf.ack([second])
    PgEtf.ack(again)
    eventually(fn -> done?(slot, 3) end)
    assert FakeSlot.breaches(slot) == []
  end

  test "what has arrived before is not handed out before the new start" do
    slot = FakeSlot.start([4])
    stage = produce(slot)
    [_first] = Stage.take(stage, 1)
    # Demand comes behind the change, and before the start.
    :sys.suspend(stage)
    update = Task.async(fn -> PgEtf.update(stage, actions: [:insert]) end)
    eventually(fn -> waits?(stage, &match?({:"$gen_call", _, {PgEtf, {:update, _}}}, &1)) end)
    Stage.ask(stage, 4)
    eventually(fn -> waits?(stage, &demand?/1) end)
    :sys.resume(stage)
    :ok = Task.await(update)
    # These have a position: what belongs to the run before could not be acknowledged.
    again = Stage.receive_messages(stage, 4)
    assert ids(again) == [0, 1, 2, 3]
    PgEtf.ack(again)
    eventually(fn -> done?(slot, 1) end)
    assert FakeSlot.breaches(slot) == []
  end

  test "after a crash the changes are still there; other options end them" do
    slot = FakeSlot.start([1])
    pid = consume(slot, tables: ["public.a"])
    changed(1)
    PgEtf.update(pid, tables: ["public.b"])
    PgEtf.update(pid, messages: true)
    eventually(fn -> FakeSlot.runs(slot) == 2 end)
    Process.exit(pid, :kill)
    eventually(fn -> FakeSlot.runs(slot) == 3 end)
    FakeSlot.append(slot, [1])
    changed(1)
    assert tables(slot) =~ "public.b"

    :ok = stop_supervised(:"feed_#{slot}")
    consume(slot, tables: ["public.c"])
    FakeSlot.append(slot, [1])
    changed(1)
    assert tables(slot) =~ "public.c"
  end

  test "what cannot be changed, or is wrong, raises and changes nothing" do
    slot = FakeSlot.start([1])
    pid = consume(slot, tables: ["public.a"])
    changed(1)

    assert_raise ArgumentError, ~r/:slot cannot be changed/, fn ->
      PgEtf.update(pid, slot: "b")
    end

    assert_raise ArgumentError, ~r/:tables/, fn -> PgEtf.update(pid, tables: [:b]) end

    assert_raise ArgumentError, ~r/public.orders/, fn ->
      PgEtf.update(pid, tables: ["orders"], messages: true)
    end

    assert_raise ArgumentError, ~r/node/, fn -> PgEtf.update(pid, connection: {:node, :a}) end
    assert_raise ArgumentError, ~r/not a running/, fn -> PgEtf.update(:nobody, messages: true) end
    assert FakeSlot.runs(slot) == 1
  end

  test "one that is halted has its next start before it" do
    slot = FakeSlot.start([1])
    pid = consume(slot, tables: ["public.a"])
    changed(1)
    FakeSlot.kill(slot, :slot_missing)
    eventually(fn -> PgEtf.info(pid).status == :halted end)
    assert PgEtf.update(pid, tables: ["public.b"]) == :ok
    assert PgEtf.info(pid).status == :halted
    PgEtf.resume(pid)
    FakeSlot.append(slot, [1])
    changed(1)
    assert tables(slot) =~ "public.b"
  end

  defp waits?(pid, message?) do
    {:messages, messages} = Process.info(pid, :messages)
    Enum.any?(messages, message?)
  end

  defp demand?({:"$gen_producer", _from, {:ask, _count}}), do: true
  defp demand?({:"$gen_cast", {Stage, :ask, _count}}), do: true
  defp demand?(_message), do: false

  defp changed(count), do: for(change <- Integration.changes(count), do: change.record["id"])
end
