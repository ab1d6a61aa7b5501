defmodule PgEtf.ConsumerTest do
  use PgEtf.StreamCase, async: true

  alias PgEtf.{Consumer, Error, FakeSlot}

  defmodule Changes do
    @behaviour PgEtf.Consumer

    @impl true
    def init(test), do: {:ok, %{test: test, batches: 0}}

    @impl true
    def handle_changes(changes, state) do
      send(state.test, {:changes, Enum.map(changes, & &1.record["id"])})
      {:ok, %{state | batches: state.batches + 1}}
    end

    @impl true
    def handle_stop(reason, state), do: send(state.test, {:stopped, reason, state.batches})
  end

  # Keeps the position with the data, as a sink in a database would.
  defmodule Stored do
    @behaviour PgEtf.Consumer

    @impl true
    def checkpoint(%{store: store}), do: Agent.get(store, & &1.position)

    @impl true
    def handle_transaction(transaction, %{store: store} = state) do
      rows = Enum.map(transaction.changes, & &1.record["id"])

      Agent.update(store, fn data ->
        %{data | rows: data.rows ++ rows, position: transaction.end_lsn}
      end)

      if Map.get(state, :crash_at) in rows, do: raise("after the data was stored")
      {:ok, state}
    end

    @impl true
    def handle_position(lsn, %{store: store} = state) do
      Agent.update(store, &%{&1 | position: lsn})
      {:ok, state}
    end
  end

  defmodule Failing do
    @behaviour PgEtf.Consumer

    @impl true
    def handle_transaction(transaction, %{test: test, tries: tries} = state) do
      send(test, {:tried, transaction.xid})

      case tries do
        0 -> {:ok, state}
        n -> {:error, :not_yet, %{state | tries: n - 1}}
      end
    end
  end

  # Fails at the rows it is told of, once each.
  defmodule FailingAt do
    @behaviour PgEtf.Consumer

    @impl true
    def handle_changes([%{record: %{"id" => id}}], %{test: test, fail_at: ids} = state) do
      send(test, {:tried, id})
      state = %{state | fail_at: List.delete(ids, id)}
      if id in ids, do: {:error, :not_yet, state}, else: {:ok, state}
    end
  end

  test "changes come in order, in batches, and are acknowledged after they are handled" do
    slot = FakeSlot.start(List.duplicate(5, 50))
    {:ok, consumer} = Consumer.start_link(Changes, self(), opts(slot, max_changes: 7))

    ids =
      Stream.repeatedly(fn -> assert_receive({:changes, _}) |> elem(1) end)
      |> Stream.each(&assert length(&1) <= 7)
      |> Stream.concat()
      |> Enum.take(250)

    assert ids == Enum.to_list(0..249)
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(50) end)
    GenServer.stop(consumer)
    assert_receive {:stopped, :shutdown, batches} when batches > 35
    assert FakeSlot.breaches(slot) == []
  end

  test "can be written in Erlang" do
    source = ~c"test/fixtures/erlang_orders.erl"
    assert {:ok, :erlang_orders, beam, []} = :compile.file(source, [:binary, :return])
    {:module, _} = :code.load_binary(:erlang_orders, source, beam)
    slot = FakeSlot.start([1])

    {:ok, consumer} =
      apply(:erlang_orders, :start_link, [
        String.to_charlist(slot),
        [client: FakeSlot, on_error: :stop]
      ])

    assert_receive {:insert, "t", %{"id" => 0}}
    assert_receive {:done, "0/96"}
    Process.unlink(consumer)
    FakeSlot.inject(slot, {:fatal, :slot_lost, %{message: "m", hint: "h", sqlstate: "55000"}})
    assert_receive {:stopped, %Error{class: :slot_lost, sqlstate: "55000"}}
  end

  test "runs under a supervisor" do
    slot = FakeSlot.start([1])
    consumer = start_supervised!({Consumer, {Changes, self(), opts(slot, name: :supervised)}})
    assert_receive {:changes, [0]}
    Process.exit(consumer, :kill)
    eventually(fn -> FakeSlot.runs(slot) == 2 end)
    assert PgEtf.info(:supervised).slot == slot
  end

  test "a position stored with the data makes the effect happen once" do
    slot = FakeSlot.start([2, 2, 2])
    store = start_supervised!({Agent, fn -> %{rows: [], position: nil} end})
    Process.flag(:trap_exit, true)

    # It dies between storing and acknowledging: the slot does not know.
    {:ok, dying} =
      Consumer.start_link(
        Stored,
        %{store: store, crash_at: 3},
        opts(slot, on_exception: :crash)
      )

    assert_receive {:EXIT, ^dying, _}
    assert Agent.get(store, & &1.position) == FakeSlot.end_lsn(2)
    assert FakeSlot.confirmed(slot) < FakeSlot.end_lsn(2)

    {:ok, _} = Consumer.start_link(Stored, %{store: store}, opts(slot))
    eventually(fn -> Agent.get(store, & &1.position) == FakeSlot.end_lsn(3) end)
    assert Agent.get(store, & &1.rows) == Enum.to_list(0..5)
    assert FakeSlot.settings(slot).startpos == FakeSlot.end_lsn(2)
    assert FakeSlot.settings(slot).ack_positions
  end

  test "the stored position is asked for at each start of the program" do
    slot = FakeSlot.start([2, 2, 2])
    store = start_supervised!({Agent, fn -> %{rows: [], position: nil} end})
    {:ok, _} = Consumer.start_link(Stored, %{store: store}, opts(slot))
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3) end)
    # Somebody else went on with the data.
    Agent.update(store, &%{&1 | position: 7_777})
    FakeSlot.kill(slot)
    eventually(fn -> FakeSlot.runs(slot) == 2 end)
    assert FakeSlot.settings(slot).startpos == 7_777
  end

  test "the position is read again when the slot that it stood by for is free" do
    slot = FakeSlot.start([2, 2, 2], busy?: true)
    store = start_supervised!({Agent, fn -> %{rows: [], position: nil} end})
    {:ok, consumer} = Consumer.start_link(Stored, %{store: store}, opts(slot))
    eventually(fn -> PgEtf.info(consumer).status == :standby end)

    # Another reader has handled two of them meanwhile.
    Agent.update(store, &%{&1 | position: FakeSlot.end_lsn(2)})
    FakeSlot.free(slot, FakeSlot.end_lsn(2))
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3) end)
    assert Agent.get(store, & &1.rows) == [4, 5]
    assert FakeSlot.settings(slot).startpos == FakeSlot.end_lsn(2)
    assert FakeSlot.breaches(slot) == []
  end

  test "a position that cannot be read then is a failure, and no end" do
    slot = FakeSlot.start([1], busy?: true)
    store = start_supervised!({Agent, fn -> %{rows: [], position: nil} end})
    {:ok, consumer} = Consumer.start_link(Stored, %{store: store}, opts(slot))
    eventually(fn -> PgEtf.info(consumer).status == :standby end)
    stop_supervised!(Agent)
    FakeSlot.free(slot, 0)
    eventually(fn -> match?(%Error{class: :exception}, PgEtf.info(consumer).error) end)
    assert Process.alive?(consumer)
  end

  test "positions without transactions are stored, then confirmed" do
    slot = FakeSlot.start([1])
    store = start_supervised!({Agent, fn -> %{rows: [], position: nil} end})
    {:ok, _} = Consumer.start_link(Stored, %{store: store}, opts(slot))
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1) end)
    FakeSlot.position(slot, 9_000)
    eventually(fn -> FakeSlot.confirmed(slot) == 9_000 end)
    assert Agent.get(store, & &1.position) == 9_000
    assert FakeSlot.breaches(slot) == []
  end

  test "an error is retried, or halts" do
    slot = FakeSlot.start([1, 1])
    {:ok, consumer} = Consumer.start_link(Failing, %{test: self(), tries: 2}, opts(slot))
    for xid <- [1, 1, 1, 2], do: assert_receive({:tried, ^xid})
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
    GenServer.stop(consumer)

    slot = FakeSlot.start([1, 1])
    opts = opts(slot, on_failure: :halt)
    {:ok, consumer} = Consumer.start_link(Failing, %{test: self(), tries: 1}, opts)
    assert_receive {:tried, 1}
    eventually(fn -> PgEtf.info(consumer).status == :halted end)
    FakeSlot.settle(slot, [consumer])
    refute_received {:tried, _}
    PgEtf.resume(consumer)
    for xid <- [1, 2], do: assert_receive({:tried, ^xid})
  end

  test "an error is acknowledged when that is asked for" do
    slot = FakeSlot.start([1, 1, 1])
    opts = opts(slot, on_failure: :ack)
    {:ok, consumer} = Consumer.start_link(Failing, %{test: self(), tries: 2}, opts)
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3) end)
    # What comes after the last one cannot be another attempt of it.
    GenServer.stop(consumer)
    for xid <- [1, 2, 3], do: assert_received({:tried, ^xid})
    refute_received {:tried, _}
    assert FakeSlot.runs(slot) == 1
  end

  test "a child's specification" do
    opts = opts("s", connection: [password: "secret"], shutdown_timeout: 7_000)
    spec = Consumer.child_spec({Changes, :arg, opts})
    assert %{id: Changes, start: {Consumer, :start_link, [Changes, :arg, _]}} = spec
    # Twice, as the program has its own time to end and is waited for.
    assert spec.shutdown == 14_000
    refute inspect(spec) =~ "secret"
    assert Consumer.child_spec({Changes, :arg, opts("s")}).shutdown == 10_000
    assert Consumer.child_spec({Changes, :arg, [name: :one] ++ opts("s")}).id == :one
  end

  test "what has arrived behind a failure is not handled before it" do
    for on_failure <- [:retry, :halt] do
      slot = FakeSlot.start([3])
      opts = opts(slot, on_failure: on_failure, max_changes: 1)
      {:ok, consumer} = Consumer.start_link(FailingAt, %{test: self(), fail_at: [1]}, opts)
      for id <- [0, 1], do: assert_receive({:tried, ^id})

      if on_failure == :halt do
        eventually(fn -> PgEtf.info(consumer).status == :halted end)
        FakeSlot.settle(slot, [consumer])
        refute_received {:tried, _}
        assert %{in_flight: 0, queued: 0, held_bytes: 0} = PgEtf.info(consumer)
        PgEtf.resume(consumer)
      end

      for id <- [0, 1, 2] do
        assert_receive {:tried, tried}
        assert tried == id
      end
    end
  end

  test "a batch is waited for, as long as is asked for" do
    slot = FakeSlot.start([3])
    opts = opts(slot, max_changes: 5_000, batch_timeout: 60_000)
    {:ok, consumer} = Consumer.start_link(Changes, self(), opts)
    eventually(fn -> PgEtf.info(consumer).queued == 3 end)
    refute_receive {:changes, _}, 50
    FakeSlot.append(slot, List.duplicate(1_000, 9) ++ [900])
    assert_receive {:changes, first}
    assert first == Enum.to_list(0..4_999)
    eventually(fn -> PgEtf.info(consumer).queued == 4_903 end)
    refute_receive {:changes, _}, 50
    # It answers meanwhile.
    GenServer.stop(consumer)
    assert FakeSlot.breaches(slot) == []

    slot = FakeSlot.start([3])
    {:ok, _} = Consumer.start_link(Changes, self(), opts(slot, batch_timeout: 50))
    assert_receive {:changes, [0, 1, 2]}
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1) end)
  end

  test "a batch is not waited for when the window is full" do
    slot = FakeSlot.start(List.duplicate(1, 50), row_bytes: 1_000)
    more = [max_changes: 100, batch_timeout: 60_000, window_bytes: 10_000]
    {:ok, _} = Consumer.start_link(Changes, self(), opts(slot, more))
    assert_receive {:changes, [0 | _]}
    assert_receive {:changes, [_ | _]}
    assert FakeSlot.breaches(slot) == []
  end

  defmodule BothHandlers do
    @behaviour PgEtf.Consumer

    @impl true
    def handle_changes(_changes, state), do: {:ok, state}

    @impl true
    def handle_transaction(_transaction, state), do: {:ok, state}
  end

  defmodule NoCheckpoint do
    @behaviour PgEtf.Consumer

    @impl true
    def handle_changes(_changes, state), do: {:ok, state}

    @impl true
    def handle_position(_lsn, state), do: {:ok, state}
  end

  test "what cannot be is refused at the start" do
    for {module, opts, text} <- [
          {NoSuchModule, opts("s"), "is not available"},
          {Enum, opts("s"), "neither handle_transaction/2 nor handle_changes/2"},
          {BothHandlers, opts("s"), "both handle_transaction/2 and handle_changes/2"},
          {NoCheckpoint, opts("s"), "needs checkpoint/1"},
          {Changes, opts("s", create_slot: :once), "create_slot: :once needs a stored position"},
          {Stored, opts("s", start_position: 1), "would not be used"},
          {Failing, opts("s", max_changes: 1), ":batch_size is for handle_changes/2"},
          {Changes, opts("s", unit: :transaction), ":unit is not for a consumer"},
          {Changes, opts("s", store_position: & &1), ":store_position is not for a consumer"},
          {Changes, opts("s", batch_timeout: -1), ":batch_timeout"},
          {Changes, opts("s", batch_size: 0), ":batch_size"},
          {Changes, opts("s", producer: 1), "unknown option :producer"}
        ] do
      assert_raise ArgumentError, ~r/#{Regex.escape(text)}/, fn ->
        Consumer.start_link(module, self(), opts)
      end
    end
  end
end
