# Stages, producers, programs and handlers die, and no row is lost.
if Code.ensure_loaded?(Broadway) do
  Code.require_file("pipeline.exs", __DIR__)

  defmodule PgEtf.DeathsTest do
    use PgEtf.StreamCase, async: false

    import PgEtf.TestPipeline, only: [drained: 0, name: 1, processor: 1, rows: 1]

    alias Broadway.Message
    alias PgEtf.FakeSlot
    alias PgEtf.TestPipeline, as: Pipeline

    setup do
      Process.flag(:trap_exit, true)
      :ok
    end

    # Each run but the last is ended by a row that the runs before did not reach.
    test "a processor that is killed costs no row" do
      slot = FakeSlot.start(List.duplicate(4, 100))
      test = self()
      deaths = :ets.new(:deaths, [:public, :set])

      handle = fn message ->
        id = message.data.record["id"]
        run = FakeSlot.runs(slot)

        # Broadway allows its processors three restarts in five seconds.
        if run <= 2 and id >= 40 * run and :ets.insert_new(deaths, {run}) do
          Process.exit(self(), :kill)
        end

        send(test, {:row, id})
        message
      end

      {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot)
      eventually(fn -> done?(slot, 100) end)
      assert Enum.sort(Enum.uniq(drained())) == Enum.to_list(0..399)
      Broadway.stop(pipeline)
      assert FakeSlot.runs(slot) >= 3
      assert FakeSlot.breaches(slot) == []
    end

    # The stages are watched from the first message on, and one that is only on its
    # way is no reason to start again.
    test "a processor that is killed by its first message costs no row" do
      for _ <- 1..10 do
        slot = FakeSlot.start(List.duplicate(4, 20))
        test = self()
        killed = :counters.new(1, [])

        handle = fn message ->
          if :counters.get(killed, 1) == 0 do
            :counters.add(killed, 1, 1)
            Process.exit(self(), :kill)
          end

          send(test, {:row, message.data.record["id"]})
          message
        end

        opts = [
          processors: [concurrency: 8],
          batchers: [default: [concurrency: 4, batch_timeout: 10]]
        ]

        {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot, opts)
        eventually(fn -> done?(slot, 20) end)
        assert Enum.sort(Enum.uniq(drained())) == Enum.to_list(0..79)
        assert FakeSlot.runs(slot) <= 3
        Broadway.stop(pipeline)
      end
    end

    test "after a killed processor all rows have come" do
      slot = FakeSlot.start(List.duplicate(3, 50))
      test = self()

      handle = fn message ->
        Process.sleep(1)
        send(test, {:row, message.data.record["id"]})
        message
      end

      {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot)
      seen = rows(30)
      slot |> name() |> Broadway.topology() |> processor() |> Process.exit(:kill)
      eventually(fn -> done?(slot, 50) end)
      assert Enum.sort(Enum.uniq(seen ++ drained())) == Enum.to_list(0..149)
      Broadway.stop(pipeline)
    end

    test "a killed producer or program costs no row" do
      slot = FakeSlot.start(List.duplicate(3, 100))
      test = self()

      handle = fn message ->
        Process.sleep(1)
        send(test, {:row, message.data.record["id"]})
        message
      end

      {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot)
      seen = rows(30)
      [producer] = slot |> name() |> Broadway.producer_names()
      producer |> Process.whereis() |> Process.exit(:kill)
      seen = seen ++ rows(30)
      FakeSlot.kill(slot)
      eventually(fn -> done?(slot, 100) end)
      assert Enum.sort(Enum.uniq(seen ++ drained())) == Enum.to_list(0..299)
      Broadway.stop(pipeline)
    end

    # Each row meets a misfortune of its own, the first time it comes.
    test "handlers that raise, throw, exit, hang or are killed cost no row" do
      slot = FakeSlot.start(List.duplicate(5, 40))
      test = self()
      met = :ets.new(:met, [:public, :set])

      handle = fn message ->
        id = message.data.record["id"]

        if :ets.insert_new(met, {id}) do
          case rem(id, 23) do
            3 -> raise "no"
            5 -> throw(:no)
            7 -> exit(:no)
            11 -> Process.sleep(50)
            13 -> if id < 30, do: Process.exit(self(), :kill)
            17 -> raise ErlangError, original: {:no, self()}
            _ -> :ok
          end
        end

        send(test, {:row, id})
        if rem(id, 23) == 19, do: Message.failed(message, "no") |> skip(), else: message
      end

      {:ok, pipeline} = Pipeline.start(%{handle: handle}, slot, processors: [concurrency: 4])
      eventually(fn -> done?(slot, 40) end, 30_000)
      assert Enum.sort(Enum.uniq(drained())) == Enum.to_list(0..199)
      Broadway.stop(pipeline)
      assert FakeSlot.breaches(slot) == []
    end

    defp skip(message), do: Message.configure_ack(message, on_failure: :ack)
  end
end
