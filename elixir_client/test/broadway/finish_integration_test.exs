# Pipelines that finish rows, over a server, against what PgEtf.Consumer has of the same slot.
if Code.ensure_loaded?(Broadway) do
  defmodule PgEtf.Broadway.FinishIntegrationTest do
    use PgEtf.Integration, async: false

    defmodule Orders do
      use Broadway
      use PgEtf.Pipeline

      def start(sandbox, slot, tag) do
        Broadway.start_link(__MODULE__,
          name: :"orders_#{slot}",
          producer: [module: {PgEtf.Producer, PgEtf.Integration.options(sandbox, slot)}],
          processors: [default: [concurrency: 2, partition_by: &PgEtf.partition_by/1]],
          context: {self(), tag}
        )
      end

      @impl true
      def handle_message(_, %{data: change, metadata: metadata} = message, {test, tag}) do
        send(test, {tag, change, metadata})
        message
      end
    end

    defp insert(sandbox, table, values), do: psql(sandbox, "INSERT INTO #{table} #{values}")

    defp psql(sandbox, sql) do
      Sandbox.psql!(sandbox, "SET synchronous_commit = off; #{sql}")
    end

    # Row by row, then as fast as the server can, then of what is another table meanwhile.
    defp write(sandbox, table) do
      values = fn i -> "(#{i}, 'row #{i}', #{i}.#{i}, to_timestamp(#{i}.5))" end
      for i <- 1..10, do: insert(sandbox, table, "VALUES #{values.(i)}")

      psql(sandbox, """
      DO $$ BEGIN
        FOR i IN 11..400 LOOP
          INSERT INTO #{table} VALUES (i, 'row ' || i, i / 7.0, to_timestamp(i));
          COMMIT;
        END LOOP;
      END $$;
      """)

      psql(sandbox, "ALTER TABLE #{table} ADD more text, DROP total")
      psql(sandbox, "UPDATE #{table} SET more = id WHERE id % 10 = 0")
      for i <- 10..390//40, do: psql(sandbox, "UPDATE #{table} SET id = -id WHERE id = #{i}")
      psql(sandbox, "DELETE FROM #{table} WHERE id % 20 = 0")
    end

    # 400 inserts, 40 updates, 10 more, 20 deletes.
    @count 470

    # Both read at the same time, and have the descriptions of the table in common.
    test "of one row a transaction two readers get what a consumer gets", %{sandbox: sandbox} do
      {table, slot} =
        prepare(sandbox, "id int PRIMARY KEY, name text, total numeric, at timestamptz")

      [first, second] = slots = for _ <- 1..2, do: name("s")
      for slot <- slots, do: create_slot(sandbox, slot)
      {:ok, one} = Orders.start(sandbox, first, :first)
      {:ok, two} = Orders.start(sandbox, second, :second)
      write(sandbox, table)

      {:ok, consumer} = consume(sandbox, slot)
      changes = for %{table: ^table} = change <- changes(@count), do: change

      for tag <- [:first, :second] do
        received = for _ <- 1..@count, do: receive_one(tag)

        assert received |> Enum.map(&elem(&1, 0)) |> Enum.sort_by(&PgEtf.message_id/1) ==
                 Enum.sort_by(changes, &PgEtf.message_id/1)

        for {change, metadata} <- received, {key, value} <- metadata do
          assert value == Map.fetch!(change, key)
        end
      end

      target = current(sandbox)
      eventually(fn -> Enum.all?(slots, &(confirmed(sandbox, &1) >= target)) end)
      for stream <- [one, two], do: Broadway.stop(stream)
      GenServer.stop(consumer)
    end

    defp receive_one(tag) do
      assert_receive {^tag, change, metadata}, 15_000
      {change, metadata}
    end
  end
end
