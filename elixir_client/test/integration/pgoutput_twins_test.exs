defmodule PgEtf.Integration.PgoutputTwinsTest do
  # A client of each kind on the same random transactions, while they happen: what a user
  # gets is equal, but for what docs/operations.md says of pgoutput ("Without the plugin").
  use PgEtf.Integration, async: true

  alias PgEtf.{Gen, Workload}

  @theirs [plugin: :pgoutput, publications: ["everything"]]

  setup_all do
    settings = [max_prepared_transactions: 10, logical_decoding_work_mem: "64kB"]
    server = start_supervised!({Sandbox, settings: settings}, id: :server)
    version = Sandbox.info(server).version
    Sandbox.psql!(server, Workload.ddl(version))
    Sandbox.psql!(server, "CREATE PUBLICATION everything FOR ALL TABLES", username: "postgres")
    %{server: server, version: version}
  end

  test "structs are equal", %{server: server, version: version} do
    workload = Gen.fixed_list([Workload.small(version, 150), Workload.large(8)])
    streamed = [streaming: version >= 140_000, types: true, split_key_changes: true]

    Gen.run(workload, 1, fn sessions ->
      readers =
        for {plugin, more} <- [
              {"pg_etf_decoding", []},
              {"pgoutput", @theirs},
              {"pgoutput", [format: :text] ++ @theirs},
              {"pg_etf_decoding", streamed},
              {"pgoutput", streamed ++ @theirs}
            ] do
          reader(server, plugin, more)
        end

      Sandbox.psql!(server, Workload.prelude())

      sessions
      |> Enum.map(&Task.async(fn -> Sandbox.psql!(server, &1) end))
      |> Task.await_many(120_000)

      Sandbox.psql!(server, "INSERT INTO finish VALUES (1)")
      [ours, theirs, texts, ours_streamed, theirs_streamed] = Task.await_many(readers, 120_000)

      assert length(ours) > 2000

      excuses =
        for {one, other} <- [{ours, theirs}, {ours, texts}, {ours_streamed, theirs_streamed}],
            do: compare(one, other)

      IO.puts(
        "#{length(ours)} changes compared with pgoutput's, excused: #{inspect(hd(excuses))}"
      )

      # Late ends depend on where frames were cut, and a key change that is split is two.
      assert [%{generated: _, xml: _, truncate: _} = same, same, split] =
               Enum.map(excuses, &Map.delete(&1, :end_lsn))

      assert map_size(same) == 3
      assert Map.keys(split) == Map.keys(same)
      if version >= 140_000, do: eventually(fn -> streamed(server) == 2 end)
    end)
  end

  # Slots before the first change, one after the other.
  defp reader(server, plugin, more) do
    slot = name("s")
    Sandbox.psql!(server, "SELECT pg_create_logical_replication_slot('#{slot}', '#{plugin}')")

    Task.async(fn ->
      Process.flag(:trap_exit, true)
      {:ok, consumer} = consume(server, slot, more)
      changes = read([])
      GenServer.stop(consumer)
      changes
    end)
  end

  defp read(changes) do
    receive do
      {:change, %{table: "finish"}} -> Enum.reverse(changes)
      {:change, change} -> read([change | changes])
      {:stopped, reason} -> flunk("a stream ended: #{inspect(reason)}")
    after
      60_000 -> flunk("nothing comes after #{inspect(List.first(changes))}")
    end
  end

  defp streamed(server) do
    sql = "SELECT count(*) FROM pg_stat_replication_slots WHERE stream_txns > 0"
    server |> Sandbox.psql!(sql) |> String.trim() |> String.to_integer()
  end

  # One by one: what differs is easier to find in two than in thousands.
  defp compare(ours, theirs) do
    excuses =
      for {one, other} <- Enum.zip(ours, theirs), reduce: %{} do
        counts ->
          {one, counts} = excuse(one, other, counts)
          assert one == other
          counts
      end

    assert length(ours) == length(theirs)
    excuses
  end

  # Ours as theirs can be, and how often that was needed.
  defp excuse(one, other, counts) do
    excuses = [
      end_lsn: &late_end/2,
      generated: &not_generated/2,
      xml: &undeclared/2,
      truncate: &rootless/2
    ]

    for {name, excuse} <- excuses, reduce: {one, counts} do
      {one, counts} ->
        excused = excuse.(one, other)
        {excused, if(excused == one, do: counts, else: Map.update(counts, name, 1, &(&1 + 1)))}
    end
  end

  defp late_end(one, %{end_lsn: nil, last?: false}), do: %{one | end_lsn: nil}
  defp late_end(one, _other), do: one

  defp not_generated(%{table: "made"} = one, _other) do
    %{one | record: without(one.record), types: without(one.types)}
  end

  defp not_generated(one, _other), do: one

  defp without(nil), do: nil
  defp without(row), do: Map.delete(row, "twice")

  defp undeclared(%{record: %{"doc" => "<?xml" <> _ = doc}} = one, _other) do
    put_in(one.record["doc"], String.replace(doc, ~r/^<\?xml.*?\?>/, ""))
  end

  defp undeclared(one, _other), do: one

  defp rootless(%{op: :truncate} = one, _other) do
    [{_, table} | _] = leaves = List.delete(one.truncated, {"public", "parts"})
    %{one | truncated: leaves, table: table}
  end

  defp rootless(one, _other), do: one
end
