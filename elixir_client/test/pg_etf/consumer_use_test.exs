defmodule PgEtf.ConsumerUseTest do
  use PgEtf.StreamCase, async: true

  import ExUnit.CaptureLog

  alias PgEtf.{Consumer, FakeSlot}

  defmodule Used do
    use PgEtf.Consumer, slot: "overwritten", restart: :transient, client: PgEtf.FakeSlot

    @impl true
    def handle_transaction(transaction, test) do
      send(test, {:handled, transaction.xid})
      {:ok, test}
    end
  end

  defmodule Overridden do
    use PgEtf.Consumer, id: :other, connection: [password: "secret"], slot: "s"

    def start_link(opts), do: opts |> Keyword.put(:backoff_min, 0) |> super()

    @impl true
    def handle_changes(_changes, state), do: {:ok, state}
  end

  # Says what it is told.
  defmodule Informed do
    use PgEtf.Consumer

    @impl true
    def handle_transaction(_transaction, state), do: {:ok, state}

    @impl true
    def handle_info({:say, text}, test) do
      send(test, {:said, text})
      {:noreply, test}
    end

    def handle_info({:stop, reason}, test), do: {:stop, reason, test}
    def handle_info(:nonsense, _test), do: :nonsense
    def handle_info(:raise, _test), do: raise("on purpose")

    @impl true
    def handle_stop(reason, test), do: send(test, {:stopped, reason})
  end

  test "a module that uses it is a child, with options of its own" do
    slot = FakeSlot.start([1])
    opts = [arg: self(), connection: [], slot: slot, name: :used]
    assert %{id: :used, restart: :transient, shutdown: 10_000} = Used.child_spec(opts)
    start_supervised!({Used, opts})
    assert_receive {:handled, 1}
    assert PgEtf.info(:used).slot == slot
  end

  test "its functions can be overridden, and print no password" do
    assert %{id: :other, start: {Overridden, :start_link, [opts]}} =
             spec = Overridden.child_spec(connection: [password: "secret"])

    refute inspect(spec) =~ "secret"
    assert Overridden.child_spec(id: :mine).id == :mine
    # Theirs is called: it sets what the library refuses.
    assert_raise ArgumentError, ~r/:backoff_min/, fn -> Overridden.start_link(opts) end
  end

  test "messages of others arrive, and what goes wrong with one is no failure of a change" do
    slot = FakeSlot.start([1])
    {:ok, consumer} = Consumer.start_link(Informed, self(), opts(slot))
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1) end)

    log =
      capture_log(fn ->
        for message <- [:nonsense, :raise, :raise, {:say, "a"}], do: send(consumer, message)
        assert_receive {:said, "a"}
      end)

    assert log =~ "handle_info/2 returned neither {:noreply, state} nor"
    assert [_, once] = String.split(log, "** (RuntimeError) on purpose")
    assert once =~ "the message is dropped"
    assert once =~ "consumer_use_test.exs"
    assert FakeSlot.runs(slot) == 1
    FakeSlot.append(slot, [1])
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
  end

  test "it may stop the consumer" do
    Process.flag(:trap_exit, true)
    slot = FakeSlot.start([])
    {:ok, consumer} = Consumer.start_link(Informed, self(), opts(slot))
    send(consumer, {:stop, {:shutdown, :done}})
    assert_receive {:EXIT, ^consumer, {:shutdown, :done}}
    assert_received {:stopped, :shutdown}
  end

  test "an exception in it is the supervisor's where that is asked for" do
    Process.flag(:trap_exit, true)
    slot = FakeSlot.start([])
    {:ok, consumer} = Consumer.start_link(Informed, self(), opts(slot, on_exception: :crash))
    send(consumer, :raise)
    assert_receive {:EXIT, ^consumer, {%RuntimeError{}, _}}
  end
end
