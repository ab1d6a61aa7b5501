defmodule PgEtf.Integration.StreamingTest do
  # Transactions in progress and prepared ones, as a real server has them.
  use PgEtf.Integration, async: true

  alias PgEtf.Consumer

  @moduletag :tmp_dir

  setup_all do
    settings = [max_prepared_transactions: 10, logical_decoding_work_mem: "64kB"]
    %{server: start_supervised!({Sandbox, settings: settings}, id: :server)}
  end

  defmodule TwoPhase do
    @behaviour Consumer

    @impl true
    def handle_transaction(transaction, test), do: tell(test, {:transaction, ids(transaction)})

    @impl true
    def handle_prepare(transaction, test) do
      tell(test, {:prepare, transaction.prepared, transaction.part, ids(transaction)})
    end

    @impl true
    def handle_commit_prepared(decision, test), do: tell(test, {:commit, decision.gid})

    @impl true
    def handle_rollback_prepared(decision, test), do: tell(test, {:rollback, decision.gid})

    defp ids(transaction), do: for(change <- transaction.changes, do: change.record["id"])

    defp tell(test, message) do
      send(test, message)
      {:ok, test}
    end
  end

  defp insert(table, ids) do
    "INSERT INTO #{table} SELECT id, repeat('x', 500) FROM generate_series(#{ids}) AS id;"
  end

  test "a large transaction is in a file until its commit", %{server: server, tmp_dir: dir} do
    {table, slot} = prepare(server, "id int PRIMARY KEY, v text")
    {:ok, consumer} = consume(server, slot, streaming: true, spool_dir: dir, heartbeat: 100)

    ref = make_ref()
    test = self()

    if Code.ensure_loaded?(:telemetry) do
      apply(:telemetry, :attach, [
        ref,
        [:pg_etf, :stats],
        fn _, gauges, %{slot: slot}, _ -> send(test, {:gauges, slot, gauges}) end,
        nil
      ])
    end

    Sandbox.psql!(server, """
    BEGIN;
    #{insert(table, "1, 1000")}
    SAVEPOINT a;
    #{insert(table, "1001, 2000")}
    ROLLBACK TO a;
    #{insert(table, "2001, 2500")}
    SELECT pg_sleep(1);
    COMMIT;
    """)

    changes = changes(1500)

    assert Enum.map(changes, & &1.record["id"]) ==
             Enum.to_list(1..1000) ++ Enum.to_list(2001..2500)

    assert Enum.map(changes, & &1.index) == Enum.to_list(0..1499)
    assert Enum.map(changes, & &1.last?) == List.duplicate(false, 1499) ++ [true]
    eventually(fn -> confirmed(server, slot) >= hd(changes).end_lsn end)
    assert File.ls!(dir) == []

    if Code.ensure_loaded?(:telemetry) do
      apply(:telemetry, :detach, [ref])
      assert_receive {:gauges, ^slot, %{open_streams: 1, spooled_bytes: bytes}} when bytes > 0
      assert_receive {:gauges, ^slot, %{open_streams: 0, streams: 1, spooled_bytes: 0}}
    end

    GenServer.stop(consumer)
  end

  test "prepared transactions come when they are prepared", %{server: server} do
    {table, slot} = prepare(server, "id int PRIMARY KEY, v text")

    # Before the slot is a two-phase slot: it comes late, with its decision.
    Sandbox.psql!(server, "BEGIN; #{insert(table, "1, 2")} PREPARE TRANSACTION 'late'")
    opts = options(server, slot, two_phase: true, streaming: true)
    {:ok, consumer} = Consumer.start_link(TwoPhase, self(), opts)
    Sandbox.psql!(server, insert(table, "10, 10"))
    assert_receive {:transaction, [10]}, 15_000

    Sandbox.psql!(server, "BEGIN; #{insert(table, "11, 12")} PREPARE TRANSACTION 'a'")
    assert_receive {:prepare, "a", :whole, [11, 12]}, 15_000
    Sandbox.psql!(server, "COMMIT PREPARED 'a'")
    assert_receive {:commit, "a"}, 15_000

    Sandbox.psql!(server, "BEGIN; #{insert(table, "100, 1299")} PREPARE TRANSACTION 'large'")
    assert_receive {:prepare, "large", :first, first}, 15_000
    assert_receive {:prepare, "large", :last, last}, 15_000
    assert first ++ last == Enum.to_list(100..1299)
    Sandbox.psql!(server, "ROLLBACK PREPARED 'large'")
    assert_receive {:rollback, "large"}, 15_000

    # One that is confirmed does not come again; a late one does.
    Sandbox.psql!(server, "BEGIN; #{insert(table, "20, 20")} PREPARE TRANSACTION 'b'")
    assert_receive {:prepare, "b", :whole, [20]}, 15_000
    at = current(server)
    eventually(fn -> confirmed(server, slot) >= at end)
    GenServer.stop(consumer)
    {:ok, consumer} = Consumer.start_link(TwoPhase, self(), opts)
    Sandbox.psql!(server, "COMMIT PREPARED 'b'; COMMIT PREPARED 'late'")
    assert_receive {:commit, "b"}, 15_000
    assert_receive {:prepare, "late", :whole, [1, 2]}, 15_000
    assert_receive {:commit, "late"}, 15_000
    at = current(server)
    eventually(fn -> confirmed(server, slot) >= at end)
    GenServer.stop(consumer)
    refute_received {:prepare, _, _, _}
    refute_received {:transaction, _}

    # Without the option it would lose what is prepared meanwhile.
    {:ok, _} = consume(server, slot)
    assert_receive {:stopped, %PgEtf.Error{class: :config} = error}, 15_000
    assert error.message =~ "is a two-phase slot" and error.hint =~ "two_phase"
  end
end
