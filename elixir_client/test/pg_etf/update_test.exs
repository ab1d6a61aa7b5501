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

  defp changed(count), do: for(change <- Integration.changes(count), do: change.record["id"])
end
