if Code.ensure_loaded?(:telemetry) do
  defmodule PgEtf.TelemetryTest do
    # Each event of the documentation comes, with what it says.
    use ExUnit.Case, async: true

    alias PgEtf.{FakeSlot, Producer, Stage}

    @moduletag :capture_log

    setup do
      Process.flag(:trap_exit, true)
      {:ok, _} = Application.ensure_all_started(:telemetry)
      test = self()
      id = "telemetry_#{System.unique_integer([:positive])}"
      names = for {name, _, _} <- documented(), do: name

      :telemetry.attach_many(
        id,
        names,
        fn name, measurements, metadata, _ ->
          send(test, {name, measurements, metadata})
        end,
        nil
      )

      on_exit(fn -> :telemetry.detach(id) end)
      :ok
    end

    # {name, measurements, further metadata}
    defp documented do
      {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(PgEtf.Telemetry)

      for [_, name, measurements, metadata] <-
            Regex.scan(~r/^\| `\[(.*?)\]` \|(.*)\|(.*)\|$/m, doc) do
        {Enum.map(String.split(name, ", "), &atom/1), atoms(measurements), keys(metadata)}
      end
    end

    defp atoms(text), do: for([_, name] <- Regex.scan(~r/`([a-z_]+)`/, text), do: atom(name))

    # What follows a colon are values.
    defp keys(text), do: text |> String.split(": `") |> hd() |> atoms()

    defp atom(name), do: name |> String.trim_leading(":") |> String.to_atom()

    defp next(name, slot) do
      assert_receive {^name, measurements, %{slot: ^slot} = metadata}
      {measurements, metadata}
    end

    @port_md Path.expand("../../../docs/port.md", __DIR__)

    if File.exists?(@port_md) do
      test "the statistics of the C program are all told, numbers as measurements" do
        [_, stats] = @port_md |> File.read!() |> String.split("`stats`: `state` ")
        [stats | _] = String.split(stats, "\n\n")
        [_states, stats] = String.split(stats, "counted since the start:")
        names = atoms(stats) -- [:wal_status]
        {_, measurements, metadata} = List.keyfind(documented(), [:pg_etf, :stats], 0)
        assert names -- measurements == []
        assert [:state, :wal_status] -- metadata == []
      end
    end

    test "every event, its measurements and its metadata" do
      slot = FakeSlot.start([1, 1])
      opts = [connection: [], slot: slot, client: FakeSlot, backoff_min: 1, backoff_max: 2]
      {:ok, stage} = Stage.start_link(Producer, opts ++ [heartbeat: 20, stall_after: 40])
      [done, failed] = Stage.take(stage, 2)

      seen =
        for event <- [:stall, :stats],
            name = [:pg_etf, event],
            into: %{},
            do: {name, next(name, slot)}

      PgEtf.ack([done], [failed])
      [again] = Stage.take(stage, 1)
      PgEtf.ack([again])
      FakeSlot.inject(slot, [:not_a_frame])

      for {name, measurements, metadata} <- documented() do
        {measured, told} = seen[name] || next(name, slot)
        assert {name, Enum.sort(Map.keys(measured))} == {name, Enum.sort(measurements)}
        assert {name, Enum.sort(Map.keys(told))} == {name, Enum.sort([:slot, :name | metadata])}
      end
    end

    test "attempts are counted until something is acknowledged" do
      slot = FakeSlot.start([1, 1])
      opts = [connection: [], slot: slot, client: FakeSlot, backoff_min: 1, backoff_max: 2]
      {:ok, stage} = Stage.start_link(Producer, opts)

      fail = fn ->
        [message | _] = Stage.take(stage, 1)
        PgEtf.ack([], [message])
        {%{attempt: attempt}, _} = next([:pg_etf, :restart], slot)
        attempt
      end

      assert for(_ <- 1..3, do: fail.()) == [1, 2, 3]
      PgEtf.ack(Stage.take(stage, 1))
      assert_receive {[:pg_etf, :flush], _, %{slot: ^slot}}
      assert for(_ <- 1..2, do: fail.()) == [1, 2]
    end
  end
end
