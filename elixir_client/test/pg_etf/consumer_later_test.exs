defmodule PgEtf.ConsumerLaterTest do
  # What a callback leaves for later: {:noack, state}, ack/2 and fail/3.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{Consumer, FakeSlot, Prepared, Test}
  alias PgEtf.Consumer.Held

  defmodule Changes do
    use PgEtf.Consumer

    @impl true
    def handle_changes(changes, test) do
      send(test, {:got, changes})
      {:noack, test}
    end
  end

  defmodule Transactions do
    use PgEtf.Consumer

    @impl true
    def handle_transaction(transaction, test) do
      send(test, {:got, transaction})
      {:noack, test}
    end

    @impl true
    def checkpoint(_test), do: nil

    @impl true
    def handle_position(_lsn, test) do
      send(test, :asked)
      {:noack, test}
    end
  end

  defp got(count) when count <= 0, do: []

  defp got(count) do
    assert_receive {:got, data}
    data = List.wrap(data)
    data ++ got(count - length(data))
  end

  defp rows(changes), do: Enum.map(changes, & &1.record["id"])

  test "the position moves over what is acknowledged without a gap" do
    slot = FakeSlot.start([2, 2, 2])
    {:ok, consumer} = Consumer.start_link(Changes, self(), opts(slot, batch_size: 2))
    [a, b, c, d, e, f] = got(6)

    :ok = Consumer.ack(consumer, [b, c])
    :ok = Consumer.ack(consumer, [f])
    FakeSlot.settle(slot, [consumer])
    assert FakeSlot.confirmed(slot) < FakeSlot.end_lsn(1)
    assert PgEtf.info(consumer).in_flight == 3

    # Twice changes nothing, and neither does what was never handed out.
    Consumer.ack(consumer, b)
    Consumer.ack(consumer, Test.insert("t", %{"id" => 99}))
    Consumer.ack(consumer, a)
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1) end)
    assert PgEtf.info(consumer).in_flight == 2

    Task.await(Task.async(fn -> Consumer.ack(consumer, [d, e]) end))
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3) end)
    assert FakeSlot.breaches(slot) == []
  end

  test "transactions, as well" do
    slot = FakeSlot.start([1, 3, 1])
    opts = opts(slot, max_transaction_changes: 2)
    {:ok, consumer} = Consumer.start_link(Transactions, self(), opts)
    [one, first, last, three] = got(4)
    assert {first.part, last.part} == {:first, :last}
    Consumer.ack(consumer, [three, last, one])
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1) end)
    Consumer.ack(consumer, first)
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3) end)
  end

  test "a failure restarts the stream, and what was acknowledged behind it comes again" do
    slot = FakeSlot.start([1, 1, 1])
    {:ok, consumer} = Consumer.start_link(Changes, self(), opts(slot))
    [a, b, c] = got(3)
    Consumer.ack(consumer, [a, c])
    Consumer.fail(consumer, b, :not_yet)
    eventually(fn -> FakeSlot.runs(slot) == 2 end)
    assert rows(got(2)) == [1, 2]
    # It is the same change: an acknowledgement of the first delivery says as much.
    Consumer.ack(consumer, [b, c])
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3) end)
  end

  test "requeued, one at a time, and set aside" do
    slot = FakeSlot.start([1, 1])
    test = self()
    aside = fn change, reason -> send(test, {:aside, change, reason}) && :ok end
    more = [on_failure: :requeue, max_attempts: 2, after_attempts: aside, batch_size: 1]
    {:ok, consumer} = Consumer.start_link(Changes, self(), opts(slot, more))
    [a, b] = got(2)
    Consumer.ack(consumer, b)
    Consumer.fail(consumer, a, "first")
    assert got(1) == [a]
    Consumer.fail(consumer, [a], "second")
    assert_receive {:aside, ^a, "second"}
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
    assert FakeSlot.runs(slot) == 1
  end

  test "what may be left for later is bounded" do
    slot = FakeSlot.start(List.duplicate(1, 50))
    more = [max_in_flight: 10, batch_size: 4]
    {:ok, consumer} = Consumer.start_link(Changes, self(), opts(slot, more))
    first = got(10)
    eventually(fn -> PgEtf.info(consumer).queued > 0 end)
    FakeSlot.settle(slot, [consumer])
    refute_received {:got, _}
    Consumer.ack(consumer, first)
    assert rows(got(10)) == Enum.to_list(10..19)

    assert_raise ArgumentError, ~r/:max_in_flight is below :batch_size/, fn ->
      Consumer.start_link(Changes, self(), opts(slot, max_in_flight: 99))
    end
  end

  test "what is not acknowledged comes again after the end of the program" do
    slot = FakeSlot.start([1, 1])
    {:ok, consumer} = Consumer.start_link(Changes, self(), opts(slot))
    [a, b] = got(2)
    Consumer.ack(consumer, b)
    FakeSlot.settle(slot, [consumer])
    FakeSlot.kill(slot)
    assert got(2) == [a, b]
    Consumer.ack(consumer, [a, b])
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
  end

  test "a position is stored now or not at all" do
    slot = FakeSlot.start([])
    {:ok, consumer} = Consumer.start_link(Transactions, self(), opts(slot))
    FakeSlot.position(slot, 9_000)
    assert_receive :asked
    eventually(fn -> match?(%{class: :failure}, PgEtf.info(consumer).error) end)
    assert PgEtf.info(consumer).error.message =~ "neither {:ok, state} nor {:error"
    assert FakeSlot.confirmed(slot) == 0
  end

  test "places tell apart what is handed out, and what shares one counts down" do
    change = Test.insert("t", %{"id" => 1})
    defined = %{change | op: :schema}
    part = Test.transaction([change])
    decision = %Prepared{op: :commit, gid: "g", xid: 1, lsn: 8, end_lsn: 9, time: nil}
    data = [change, defined, defined, part, decision]
    ref = make_ref()
    held = Held.keep(%Held{}, ref, Enum.with_index(data))

    assert {[{_, 0}], held} = Held.take(held, ref, [Held.place(change)])
    assert {[{_, 2}], held} = Held.take(held, ref, [Held.place(defined)])
    assert {[{_, 1}], held} = Held.take(held, ref, [Held.place(defined)])
    assert {[], held} = Held.take(held, ref, [Held.place(defined)])
    assert {[{_, 3}], held} = Held.take(held, ref, [Held.place(part)])
    assert {[{_, 4}], held} = Held.take(held, ref, [Held.place(decision)])
    assert held.seqs == %{}
    # Of another incarnation nothing is here.
    held = Held.keep(held, ref, [{change, 5}])
    assert {[], held} = Held.take(held, make_ref(), [Held.place(change)])
    assert held.seqs == %{}
  end
end
