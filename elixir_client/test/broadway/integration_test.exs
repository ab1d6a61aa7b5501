if Code.ensure_loaded?(Broadway) do
  defmodule PgEtf.Broadway.IntegrationTest do
    use ExUnit.Case, async: false

    import PgEtf.Integration

    alias PgEtf.Sandbox

    @moduletag :integration
    @moduletag :capture_log
    @moduletag timeout: 180_000

    defmodule Pipeline do
      use Broadway

      def start(test, producer, processors) do
        Broadway.start_link(__MODULE__,
          name: :"#{producer[:slot]}_pipeline",
          producer: [module: {PgEtf.Producer, producer}, concurrency: 1],
          processors: [default: processors],
          context: test
        )
      end

      @impl true
      def handle_message(_, message, test) do
        if :rand.uniform(50) == 1, do: Process.sleep(1)
        send(test, {:change, message.data})
        message
      end
    end

    setup_all do
      %{sandbox: start_supervised!(Sandbox)}
    end

    setup do
      Process.flag(:trap_exit, true)
      :ok
    end

    test "with 8 processors the changes of each row stay in order", %{sandbox: sandbox} do
      {table, slot} = prepare(sandbox, "id int PRIMARY KEY, n int")

      Sandbox.psql!(sandbox, """
      INSERT INTO #{table} SELECT i, 0 FROM generate_series(1, 50) i;
      DO $$
      BEGIN
        FOR i IN 1..100 LOOP
          UPDATE #{table} SET n = i;
          COMMIT;
        END LOOP;
      END $$;
      """)

      processors = [concurrency: 8, partition_by: &PgEtf.partition_by/1]
      {:ok, pipeline} = Pipeline.start(self(), options(sandbox, slot), processors)
      rows = Enum.group_by(changes(5050), & &1.record["id"], & &1.record["n"])
      assert map_size(rows) == 50
      for {_id, versions} <- rows, do: assert(versions == Enum.to_list(0..100))
      Broadway.stop(pipeline)
      assert confirmed(sandbox, slot) >= 0
    end

    for kind <- [:processor, :producer, :program, :walsender, :server] do
      test "a killed #{kind} costs no row", %{sandbox: sandbox} do
        {table, slot} = prepare(sandbox, "id int PRIMARY KEY")

        Sandbox.psql!(sandbox, """
        DO $$
        BEGIN
          FOR i IN 0..399 LOOP
            INSERT INTO #{table} SELECT generate_series(i * 10 + 1, i * 10 + 10);
            COMMIT;
          END LOOP;
        END $$;
        """)

        name = :"#{slot}_pipeline"
        {:ok, pipeline} = Pipeline.start(self(), options(sandbox, slot), concurrency: 4)
        seen = changes(500)
        low = confirmed(sandbox, slot)
        kill(unquote(kind), name, sandbox)
        seen = gather(MapSet.new(seen, & &1.record["id"]), 4000, MapSet.new(seen, &id/1), low)
        assert Enum.sort(seen) == Enum.to_list(1..4000)
        eventually(fn -> idle?(name) end)
        Broadway.stop(pipeline)
      end
    end

    # It may be starting again just now.
    defp idle?(name) do
      PgEtf.info(name).in_flight == 0
    catch
      :exit, _ -> false
    end

    defp id(change), do: {change.commit_lsn, change.index}

    # What comes a second time was not confirmed when the fault came.
    defp gather(ids, count, seen, low) do
      if MapSet.size(ids) == count do
        ids
      else
        assert_receive {:change, change}, 20_000
        if id(change) in seen, do: assert(change.end_lsn > low)
        gather(MapSet.put(ids, change.record["id"]), count, MapSet.put(seen, id(change)), low)
      end
    end

    defp kill(:processor, name, _sandbox) do
      [%{name: processor}] = Broadway.topology(name)[:processors]
      Process.exit(Process.whereis(:"#{processor}_0"), :kill)
    end

    defp kill(:producer, name, _sandbox) do
      [producer] = Broadway.producer_names(name)
      Process.exit(Process.whereis(producer), :kill)
    end

    defp kill(:program, name, _sandbox) do
      [producer] = Broadway.producer_names(name)
      %{state: %{module_state: %{session: %{conn: conn}}}} = :sys.get_state(producer)
      System.cmd("sh", ["-c", "kill -KILL #{conn.os_pid}"])
    end

    defp kill(:walsender, _name, sandbox) do
      Sandbox.psql!(sandbox, """
      SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active
      """)
    end

    defp kill(:server, _name, sandbox), do: Sandbox.restart(sandbox, :immediate)
  end
end
