if Code.ensure_loaded?(:telemetry) do
  defmodule PgEtf.TelemetryTest do
    # Each event of the documentation comes, with what it says.
    use ExUnit.Case, async: true

    alias PgEtf.{Consumer, FakeSlot, Producer, Stage}

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

    test "the slot and the name of its stream, beside what an event says" do
      for {own, name} <- [{[], nil}, {[name: A], A}, {[name: A, broadway: [name: B]], B}] do
        slot = "named_#{System.unique_integer([:positive])}"
        source = PgEtf.Telemetry.source([slot: slot] ++ own)
        :ok = PgEtf.Telemetry.execute(source, [:events], %{count: 2}, %{op: :insert})

        assert next([:pg_etf, :events], slot) ==
                 {%{count: 2}, %{op: :insert, slot: slot, name: name}}
      end
    end

    test "every event, its measurements and its metadata" do
      # Packets of their own: of each one transaction is known when it was committed.
      slot = FakeSlot.start([1, 1], packet: 1, busy?: true)
      opts = [connection: [], slot: slot, client: FakeSlot, backoff_min: 1, backoff_max: 2]
      {:ok, stage} = Stage.start_link(Producer, opts ++ [heartbeat: 20, stall_after: 40])
      FakeSlot.free(slot, 0)
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

      for {name, _, _} = event <- documented(),
          not match?([_, own, _] when own in [:callback, :backfill], name) do
        check(event, seen[name] || next(name, slot))
      end
    end

    defp check({name, measurements, metadata}, {measured, told}) do
      assert {name, Enum.sort(Map.keys(measured))} == {name, Enum.sort(measurements)}
      assert {name, Enum.sort(Map.keys(told))} == {name, Enum.sort([:slot, :name | metadata])}
    end

    defmodule FailingAtSecond do
      use Consumer

      @impl true
      def handle_changes([%{index: 1}], _state), do: raise("on purpose")
      def handle_changes(_changes, state), do: {:ok, state}

      @impl true
      def handle_info(:hello, state), do: {:noreply, state}
    end

    test "the spans of a consumer's callbacks" do
      slot = FakeSlot.start([2])
      opts = [connection: [], slot: slot, client: FakeSlot, max_changes: 1, on_failure: :halt]
      {:ok, consumer} = Consumer.start_link(FailingAtSecond, nil, opts)
      [start, stop, exception] = for {[_, :callback, _], _, _} = event <- documented(), do: event

      for {event, told} <- [
            {start, %{callback: :handle_changes, changes: 1}},
            {stop, %{callback: :handle_changes, changes: 1, result: :ok}},
            {exception, %{kind: :error, reason: %RuntimeError{message: "on purpose"}}}
          ] do
        {_, metadata} = seen = next(elem(event, 0), slot)
        check(event, seen)
        assert Map.take(metadata, Map.keys(told)) == told
      end

      send(consumer, :hello)
      assert_receive {[_, :callback, :stop], _, %{callback: :handle_info, result: :noreply}}
    end

    test "what is read of tables" do
      slot = FakeSlot.start([])
      {:ok, stage} = Stage.start_link(Producer, connection: [], slot: slot, client: FakeSlot)
      {:ok, id} = PgEtf.backfill(stage, "public.t")
      size = %{tables: 1, rows: 2, bytes: 20}
      FakeSlot.backfill(slot, :started, id, Map.put(size, :mode, :incremental))
      FakeSlot.backfill(slot, :open, id, %{chunk: 1, rel: 1, key: "id"})
      FakeSlot.backfill(slot, :read, {id, 1}, {:free, [1, 2]})
      FakeSlot.backfill(slot, :retry, id, %{chunk: 1, reason: "40001"})
      FakeSlot.backfill(slot, :open, id, %{chunk: 1, rel: 1, key: "id"})
      FakeSlot.backfill(slot, :read, {id, 1}, {:free, [1, 2]})
      FakeSlot.backfill(slot, :close, id, %{chunk: 1, lsn: 9, rel: 1, rows: 2, bytes: 20})
      PgEtf.ack(Stage.take(stage, 2))
      FakeSlot.backfill(slot, :finished, id, size)
      {:ok, ^id} = PgEtf.backfill(stage, "public.t", id: id)
      failure = %{class: :config, message: "no", hint: "", sqlstate: ""}
      FakeSlot.backfill(slot, :failed, id, failure)

      [start, chunk, stop, exception] =
        for {[_, :backfill, _], _, _} = event <- documented(), do: event

      for {event, told} <- [
            {start, %{id: id, mode: :incremental, tables: 1, rows: 2}},
            {chunk, %{id: id, chunk: 1, rows: 2, folded: 0, dropped: 0}},
            {stop, %{id: id, reason: :finished, rows: 2, retries: 1}},
            {exception, %{id: id, error: PgEtf.Error.new(:config, failure)}}
          ] do
        {measured, metadata} = seen = next(elem(event, 0), slot)
        check(event, seen)
        assert measured |> Map.merge(metadata) |> Map.take(Map.keys(told)) == told
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
