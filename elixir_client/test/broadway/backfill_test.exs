if Code.ensure_loaded?(Broadway) do
  defmodule PgEtf.Broadway.BackfillTest do
    # Tables that are read beside a stream of transactions: in the end the sink has the rows of
    # the table, whoever took over meanwhile, and whatever was paused.
    use PgEtf.Integration, async: false

    alias PgEtf.Sql

    @rows 2_000

    # Keeps rows by their id, and what it has been given, in tables that outlive it.
    defmodule Sink do
      use Broadway

      def start(sink, producer, name) do
        Broadway.start_link(__MODULE__,
          name: :"#{producer[:slot]}_#{name}",
          producer: [module: {PgEtf.Producer, producer}, concurrency: 1],
          # Whole transactions, one after the other.
          processors: [default: [concurrency: 1, max_demand: 4]],
          context: Map.put(sink, :name, name)
        )
      end

      @impl true
      def handle_message(_, message, %{rows: rows, parts: parts, name: name}) do
        %PgEtf.Transaction{backfill: backfill, part: part, changes: changes} = message.data
        Enum.each(changes, &write(&1, rows))
        if backfill, do: Process.sleep(40)
        place = System.unique_integer([:monotonic])
        :ets.insert(parts, {place, name, backfill && backfill.chunk, part, length(changes)})
        message
      end

      defp write(%{op: op, record: %{"id" => id, "v" => v}}, rows) when op in [:read, :insert],
        do: :ets.insert(rows, {id, v})

      defp write(%{op: :update} = change, rows) do
        :ets.delete(rows, change.key["id"])
        write(%{change | op: :insert}, rows)
      end

      defp write(%{op: :delete, key: %{"id" => id}}, rows), do: :ets.delete(rows, id)
    end

    setup_all %{sandbox: sandbox} do
      create_extension(sandbox)
      :ok
    end

    setup %{sandbox: sandbox} do
      {table, slot} = prepare(sandbox, "id int PRIMARY KEY, v text")

      Sandbox.psql!(sandbox, """
      INSERT INTO #{table} SELECT i, repeat(md5(i::text), 4) FROM generate_series(1, #{@rows}) i
      """)

      sink = %{rows: :ets.new(:rows, [:public]), parts: :ets.new(:parts, [:public, :ordered_set])}
      %{table: table, slot: slot, sink: sink, writer: writer(sandbox, table)}
    end

    defp producer(%{sandbox: sandbox, slot: slot, table: table}, more \\ []) do
      defaults = [tables: ["public.#{table}"], unit: :transaction, max_transaction_changes: 25]
      options(sandbox, slot, Keyword.merge(defaults, more))
    end

    defp writer(sandbox, table) do
      connection = Sandbox.connection(sandbox)
      Task.async(fn -> write_on(Sql.connect!(connection), table, 1) end)
    end

    defp write_on(conn, table, n) do
      receive do
        :enough -> n
      after
        5 ->
          {:ok, _} = Sql.query(conn, "BEGIN; #{statement(table, n)}; COMMIT")
          write_on(conn, table, n + 1)
      end
    end

    defp statement(table, n) do
      id = Enum.random(1..@rows)

      case rem(n, 4) do
        0 -> "UPDATE #{table} SET id = id + 10000 WHERE id = #{id}"
        1 -> "INSERT INTO #{table} VALUES (#{n + 100_000}, 'new')"
        2 -> "DELETE FROM #{table} WHERE id = #{id}"
        3 -> "UPDATE #{table} SET v = '#{n}' WHERE id % 50 = #{rem(n, 50)}"
      end
    end

    defp enough(%{writer: writer}) do
      send(writer.pid, :enough)
      assert Task.await(writer, 60_000) > 10
    end

    defp status(pipeline, id), do: Map.get(backfill(pipeline, id), :status)

    defp backfill(pipeline, id) do
      Enum.find(PgEtf.backfills(pipeline), %{}, &(&1.id == id))
    end

    # What a pipeline has been given of chunks.
    defp parts(%{sink: %{parts: parts}}, name) do
      for {_, ^name, chunk, part, count} when chunk != nil <- :ets.tab2list(parts),
          do: {chunk, part, count}
    end

    defp reads(context, name) do
      context |> parts(name) |> Enum.map(&elem(&1, 2)) |> Enum.sum()
    end

    defp same?(%{sandbox: sandbox, table: table, sink: %{rows: rows}}) do
      there = Sandbox.psql!(sandbox, "SELECT id, v FROM #{table}")
      here = for {id, v} <- :ets.tab2list(rows), do: "#{id}|#{v}"
      Enum.sort(String.split(there)) == Enum.sort(here)
    end

    # A marker that has come is behind all that came before.
    defp mark(%{sandbox: sandbox, table: table, sink: %{rows: rows}}) do
      id = -System.unique_integer([:positive])
      Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (#{id}, 'marker')")
      eventually(fn -> :ets.member(rows, id) end, 60_000)
    end

    # Each chunk in one row, from its first part to its last.
    defp assert_whole(parts) do
      for {chunk, parts} <- Enum.group_by(parts, &elem(&1, 0), &elem(&1, 1)) do
        middle = parts |> Enum.drop(1) |> Enum.drop(-1)
        ends = {hd(parts), List.last(parts)}
        assert ends in [{:first, :last}, {:whole, :whole}], "chunk #{chunk}: #{inspect(parts)}"
        assert Enum.all?(middle, &(&1 == :middle))
      end
    end

    test "a backfill that is paused and goes on, while others write", context do
      {:ok, pipeline} = Sink.start(context.sink, producer(context), :only)
      {:ok, id} = PgEtf.backfill(pipeline, "public.#{context.table}", chunk_bytes: 20_000)
      eventually(fn -> reads(context, :only) > 100 end, 60_000)
      :ok = PgEtf.pause_backfill(pipeline, id)

      # Chunks that were under way still come; after them changes and no others.
      eventually(fn ->
        reads(context, :only) == tap(reads(context, :only), fn _ -> mark(context) end)
      end)

      before = reads(context, :only)
      for _ <- 1..3, do: mark(context)
      assert reads(context, :only) == before
      assert before < @rows
      assert status(pipeline, id) == :paused

      :ok = PgEtf.resume_backfill(pipeline, id)
      eventually(fn -> status(pipeline, id) == :finished end, 120_000)
      enough(context)
      eventually(fn -> same?(context) end, 60_000)
      context |> parts(:only) |> assert_whole()
      Broadway.stop(pipeline)
    end

    for how <- [:stop, :kill] do
      test "another pipeline takes over in the middle: #{how}", context do
        tables = ["public.#{context.table}"]
        snapshot = [tables: tables, mode: :incremental, chunk_bytes: 20_000]
        opts = producer(context, snapshot: snapshot)
        {:ok, first} = Sink.start(context.sink, opts, :first)
        eventually(fn -> PgEtf.info(first).status == :connected end)
        {:ok, second} = Sink.start(context.sink, opts, :second)
        eventually(fn -> PgEtf.info(second).status == :standby end)
        # So that something is kept of what is done.
        eventually(fn -> kept(context) != "" end, 60_000)
        planned = kept(context)
        eventually(fn -> kept(context) != planned end, 60_000)
        stop(unquote(how), first)

        eventually(fn -> status(second, "snapshot") == :finished end, 120_000)
        assert %{mode: :incremental, tables_done: 1, error: nil} = backfill(second, "snapshot")
        enough(context)
        eventually(fn -> same?(context) end, 60_000)
        context |> parts(:second) |> assert_whole()
        # It went on, and did not begin anew.
        assert reads(context, :second) < @rows
        Broadway.stop(second)
      end
    end

    defp kept(%{sandbox: sandbox, slot: slot}) do
      sql = "SELECT md5(state) FROM etf_backfill WHERE slot = '#{slot}'"
      String.trim(Sandbox.psql!(sandbox, sql))
    end

    defp stop(:stop, pipeline), do: Broadway.stop(pipeline)

    defp stop(:kill, pipeline) do
      Process.exit(pipeline, :kill)
      assert_receive {:EXIT, ^pipeline, :killed}
    end
  end
end
