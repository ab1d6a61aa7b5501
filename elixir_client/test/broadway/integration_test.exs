if Code.ensure_loaded?(Broadway) do
  defmodule PgEtf.Broadway.IntegrationTest do
    use PgEtf.Integration, async: false

    defmodule Pipeline do
      use Broadway

      def start(test, producer, processors, name \\ "pipeline") do
        Broadway.start_link(__MODULE__,
          name: :"#{producer[:slot]}_#{name}",
          producer: [module: {PgEtf.Producer, producer}, concurrency: 1],
          processors: [default: processors],
          context: test
        )
      end

      @impl true
      def handle_message(_, message, fun) when is_function(fun) do
        fun.(message.data)
        message
      end

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
      changes = changes(5050)
      rows = Enum.group_by(changes, & &1.record["id"], & &1.record["n"])
      assert map_size(rows) == 50
      for {_id, versions} <- rows, do: assert(versions == Enum.to_list(0..100))
      Broadway.stop(pipeline)
      assert confirmed(sandbox, slot) >= List.last(changes).end_lsn
    end

    test "of two pipelines with one slot one stands by, and takes over", %{sandbox: sandbox} do
      {table, slot} = prepare(sandbox, "id int PRIMARY KEY")

      insert =
        &Sandbox.psql!(sandbox, "INSERT INTO #{table} SELECT generate_series(#{&1}, #{&2})")

      opts = options(sandbox, slot)
      {:ok, first} = Pipeline.start(self(), opts, [concurrency: 2], "first")
      eventually(fn -> PgEtf.info(first).status == :connected end)
      {:ok, second} = Pipeline.start(self(), opts, [concurrency: 2], "second")
      eventually(fn -> PgEtf.info(second).status == :standby end)
      insert.(1, 50)
      before = changes(50)
      Broadway.stop(first)
      insert.(51, 100)
      ids = Enum.map(before ++ changes(50), & &1.record["id"])
      assert Enum.sort(ids) == Enum.to_list(1..100)
      assert PgEtf.info(second).status == :connected
      Broadway.stop(second)
    end

    # Rows change places: each key is given up by one row and taken by another, and a
    # delete that comes after the insert would lose the row for good.
    test "changes of keys leave the rows of the table, in any processor", %{sandbox: sandbox} do
      {table, slot} = prepare(sandbox, "id int PRIMARY KEY, n int")
      sink = :ets.new(:sink, [:public])

      apply_to_sink = fn
        %{op: :delete, key: %{"id" => id}} ->
          Process.sleep(2)
          :ets.delete(sink, id)

        %{op: :insert, record: %{"id" => id, "n" => n}} ->
          :ets.insert(sink, {id, n})
      end

      processors = [concurrency: 8, partition_by: &PgEtf.partition_by/1]
      opts = options(sandbox, slot, split_key_changes: true)
      {:ok, pipeline} = Pipeline.start(apply_to_sink, opts, processors)

      Sandbox.psql!(sandbox, """
      INSERT INTO #{table} SELECT i, i FROM generate_series(1, 20) i;
      DO $$
      BEGIN
        FOR i IN 1..200 LOOP
          DELETE FROM #{table} WHERE id = i % 20 + 1;
          UPDATE #{table} SET id = i % 20 + 1 WHERE id = (i * 7) % 20 + 1;
          INSERT INTO #{table} VALUES ((i * 7) % 20 + 1, -i) ON CONFLICT DO NOTHING;
          COMMIT;
        END LOOP;
      END $$;
      """)

      target = current(sandbox)
      eventually(fn -> confirmed(sandbox, slot) >= target end)
      rows = Sandbox.psql!(sandbox, "SELECT id, n FROM #{table} ORDER BY id")
      there = for {id, n} <- Enum.sort(:ets.tab2list(sink)), do: "#{id}|#{n}"
      assert String.split(rows) == there
      Broadway.stop(pipeline)
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
