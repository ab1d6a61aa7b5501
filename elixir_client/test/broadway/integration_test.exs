if Code.ensure_loaded?(Broadway) do
  defmodule PgEtf.Broadway.IntegrationTest do
    use PgEtf.Integration, async: false

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
      test "a killed #{kind} costs no row, twice comes only what was not confirmed", context do
        %{sandbox: sandbox} = context
        {table, slot} = prepare(sandbox, "id int PRIMARY KEY")
        writer = write(sandbox, table, 4000)
        name = :"#{slot}_pipeline"
        {:ok, pipeline} = Pipeline.start(self(), options(sandbox, slot), concurrency: 4)

        read_all(sandbox, slot, 4000, 1500, fn -> kill(unquote(kind), name, sandbox) end)
        Task.await(writer, 60_000)
        eventually(fn -> idle?(name) end)
        Broadway.stop(pipeline)
      end
    end

    # It may be starting again just now.
    defp kill(name) do
      eventually(fn -> Process.whereis(name) != nil end)
      Process.exit(Process.whereis(name), :kill)
    end

    defp kill(:processor, name, _sandbox) do
      [%{name: processor}] = Broadway.topology(name)[:processors]
      kill(:"#{processor}_0")
    end

    defp kill(:producer, name, _sandbox) do
      [producer] = Broadway.producer_names(name)
      kill(producer)
    end

    defp kill(:program, name, _sandbox) do
      [producer] = Broadway.producer_names(name)
      %{state: %{module_state: %{session: %{conn: conn}}}} = :sys.get_state(producer)
      System.cmd("sh", ["-c", "kill -KILL #{conn.os_pid}"])
    end

    defp kill(:walsender, _name, sandbox), do: terminate_walsender(sandbox)

    defp kill(:server, _name, sandbox), do: Sandbox.restart(sandbox, :immediate)
  end
end
