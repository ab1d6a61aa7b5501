defmodule PgEtf.Integration.BackfillStandbyTest do
  # Tables that are read on a standby, while the stream is the primary's.
  use PgEtf.Integration, async: true

  alias PgEtf.{Mirror, Standby}

  setup_all %{sandbox: sandbox} do
    create_extension(sandbox)
    :ok
  end

  defp backfill(consumer, id), do: Enum.find(PgEtf.backfills(consumer), &(&1.id == id))
  defp ended?(consumer, id), do: backfill(consumer, id).status in [:finished, :failed]

  test "a backfill on a standby, which may be late", %{sandbox: sandbox} do
    {table, slot} = prepare(sandbox, "id bigint PRIMARY KEY, v text, big text")
    Sandbox.psql!(sandbox, Mirror.ddl([table]))
    fill = "INSERT INTO #{table} SELECT i, 'old', 'x' FROM generate_series(1, 1000) i"
    Sandbox.psql!(sandbox, "BEGIN; #{fill}; COMMIT")
    standby = Standby.start(sandbox)
    opts = options(sandbox, slot, tables: ["public.#{table}"])
    {:ok, consumer} = PgEtf.Consumer.start_link(Mirror, opts[:connection], opts)
    eventually(fn -> Mirror.same?(sandbox, table) end, 60_000)

    # What a standby has not replayed the stream has: it is waited for.
    Standby.psql!(sandbox, standby, "SELECT pg_wal_replay_pause()", username: "postgres")
    Sandbox.psql!(sandbox, "UPDATE #{table} SET v = 'new' WHERE id % 2 = 0")
    eventually(fn -> Mirror.same?(sandbox, table) end, 60_000)
    Sandbox.psql!(sandbox, "UPDATE mirror.#{table} SET v = 'broken'")
    from = [socket_dir: standby.dir]
    {:ok, "late"} = PgEtf.backfill(consumer, "public.#{table}", id: "late", connection: from)
    Process.sleep(500)
    refute ended?(consumer, "late")
    assert Mirror.reads(sandbox) == 0
    Standby.psql!(sandbox, standby, "SELECT pg_wal_replay_resume()", username: "postgres")
    # An idle primary writes nothing to the log by which the stream could come so far.
    eventually(fn -> ended?(consumer, "late") end, 60_000)
    assert %{status: :finished, tables_done: 1, error: nil} = backfill(consumer, "late")
    assert Mirror.reads(sandbox) == 1000
    eventually(fn -> Mirror.same?(sandbox, table) end, 60_000)

    exact(sandbox, consumer, table, from)
    GenServer.stop(consumer)
  end

  # A slot on a standby, by which a snapshot of it has a place, there is since 16.
  defp exact(sandbox, consumer, table, from) do
    opts = [id: "exact", mode: :exact, connection: from]
    {:ok, "exact"} = PgEtf.backfill(consumer, "public.#{table}", opts)

    if Sandbox.info(sandbox).version >= 160_000 do
      # A standby makes a slot once it has replayed what the primary has running.
      eventually(
        fn ->
          Standby.superuser(sandbox, "SELECT pg_log_standby_snapshot()")
          ended?(consumer, "exact")
        end,
        60_000
      )

      assert backfill(consumer, "exact").status == :finished
      assert Mirror.reads(sandbox) == 2000
    else
      eventually(fn -> ended?(consumer, "exact") end, 60_000)
      assert %{status: :failed, error: error} = backfill(consumer, "exact")
      assert Exception.message(error) =~ "standby"
    end

    Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (-1, 'later', 'x')")
    eventually(fn -> Mirror.same?(sandbox, table) end, 60_000)
  end
end
