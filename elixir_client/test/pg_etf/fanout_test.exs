defmodule PgEtf.FanoutTest do
  # One node alone: failures, ends, options.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{FakeSlot, Fanout}

  defmodule Handler do
    @behaviour PgEtf.Consumer

    @impl true
    def handle_changes(changes, %{test: test} = state) do
      ids = for change <- changes, do: change.record["id"]
      send(test, {:handling, self(), ids})
      state.fun.(ids)
      send(test, {:handled, self(), ids})
      {:ok, state}
    end

    @impl true
    def handle_stop(reason, %{test: test}), do: send(test, {:stopped, reason})
  end

  defmodule Positions do
    @behaviour PgEtf.Consumer
    @impl true
    def handle_changes(_changes, state), do: {:ok, state}
    @impl true
    def checkpoint(_state), do: nil
  end

  defmodule Timers do
    @behaviour PgEtf.Consumer
    @impl true
    def handle_changes(_changes, state), do: {:ok, state}
    @impl true
    def handle_info(_message, state), do: {:noreply, state}
  end

  defp start(slot, fun, more \\ []) do
    name = :"fan_#{slot}"
    opts = opts(slot, [name: name, workers: 2, partition_by: & &1.record["id"]] ++ more)
    start_supervised!({Fanout, {Handler, %{test: self(), fun: fun}, opts}})
    name
  end

  defp nothing(_ids), do: :ok

  # Raises for an id, once.
  defp once(id) do
    flag = :counters.new(1, [])

    fn ids ->
      if id in ids and :counters.get(flag, 1) == 0 do
        :counters.add(flag, 1, 1)
        raise "not #{id}"
      end
    end
  end

  defp handled(ids \\ []) do
    receive do
      {:handled, _worker, more} -> handled(ids ++ more)
    after
      0 -> ids
    end
  end

  test "all are handled, and the position moves" do
    slot = FakeSlot.start([3, 50, 1])
    name = start(slot, &nothing/1)
    eventually(fn -> done?(slot, 3) end)
    assert Enum.sort(handled()) == Enum.to_list(0..53)
    assert %{status: :connected, in_flight: 0} = PgEtf.info(name)
    node = node()
    assert %{^node => %{workers: 2, partitions: 512, in_flight: 0}} = Fanout.nodes(name)
    assert FakeSlot.breaches(slot) == []
  end

  test "what fails is delivered again, and is not confirmed before" do
    slot = FakeSlot.start([5, 5, 5])
    name = start(slot, once(7), batch_size: 1)
    eventually(fn -> done?(slot, 3) end)
    assert Enum.sort(Enum.uniq(handled())) == Enum.to_list(0..14)
    assert FakeSlot.runs(slot) == 2
    assert FakeSlot.breaches(slot) == []
    assert PgEtf.info(name).status == :connected
  end

  test "a failed message alone is tried again, or halts the stream" do
    slot = FakeSlot.start([5])
    start(slot, once(2), on_failure: :requeue, batch_size: 1)
    eventually(fn -> done?(slot, 1) end)
    assert Enum.sort(handled()) == Enum.to_list(0..4)
    assert FakeSlot.runs(slot) == 1
    stop_supervised!(:"fan_#{slot}")

    slot = FakeSlot.start([5])
    name = start(slot, once(2), on_failure: :halt, batch_size: 1)
    eventually(fn -> PgEtf.info(name).status == :halted end)
    assert %{details: %{table: "t", index: 2}} = PgEtf.info(name).error
    refute done?(slot, 1)
    PgEtf.resume(name)
    eventually(fn -> done?(slot, 1) end)
  end

  test "of what one worker has in hand, the one that failed comes again" do
    slot = FakeSlot.start([400])
    test = self()
    put_aside = fn change, _reason -> send(test, {:put_aside, change.record["id"]}) && :ok end
    fails? = fn ids -> if rem(hd(ids), 3) == 1, do: raise("not this one") end
    more = [on_failure: :requeue, max_attempts: 2, after_attempts: put_aside, batch_size: 1]
    start(slot, fails?, more)
    eventually(fn -> done?(slot, 1) end)
    assert Enum.uniq(Enum.sort(handled())) == Enum.reject(0..399, &(rem(&1, 3) == 1))
    assert Enum.sort(put_aside()) == Enum.to_list(1..399//3)
  end

  defp put_aside do
    receive do
      {:put_aside, id} -> [id | put_aside()]
    after
      0 -> []
    end
  end

  test "a worker that is killed, and a reader" do
    slot = FakeSlot.start([])
    killed = :counters.new(1, [])

    name =
      start(
        slot,
        fn _ids ->
          :counters.add(killed, 1, 1)
          if :counters.get(killed, 1) == 20, do: Process.exit(self(), :kill)
        end,
        batch_size: 2
      )

    FakeSlot.append(slot, List.duplicate(2, 100))
    eventually(fn -> done?(slot, 100) end)
    assert FakeSlot.runs(slot) == 1

    FakeSlot.append(slot, List.duplicate(2, 100))
    name |> Process.whereis() |> Process.exit(:kill)
    eventually(fn -> done?(slot, 200) end)
    assert handled() |> Enum.uniq() |> Enum.sort() == Enum.to_list(0..399)
  end

  test "a stop waits for what is being handled" do
    slot = FakeSlot.start([1])
    start(slot, fn _ids -> Process.sleep(300) end)
    assert_receive {:handling, _, [0]}
    stop_supervised!(:"fan_#{slot}")
    assert done?(slot, 1)
    assert_received {:stopped, :shutdown}
  end

  test "a stop confirms nothing that fails meanwhile" do
    slot = FakeSlot.start([1, 1, 1, 1])
    fails? = fn [id] -> Process.sleep(100) && if id == 1, do: raise("not 1") end
    start(slot, fails?, workers: 1, on_failure: :requeue, batch_size: 1)
    assert_receive {:handling, _, [0]}
    stop_supervised!(:"fan_#{slot}")
    assert handled() == [0, 2, 3]
    assert done?(slot, 1)
  end

  test "workers that follow another reader end the epoch of this one" do
    slot = FakeSlot.start([1])
    name = start(slot, fn _ids -> Process.sleep(200) end, workers: 1)
    assert_receive {:handling, worker, [0]}
    ref = make_ref()
    send(worker, {PgEtf.Fanout.Worker, :welcome, self(), ref, true})
    assert_receive {PgEtf.Fanout.Reader, :ready, ^ref, %{index: 0}}
    eventually(fn -> FakeSlot.runs(slot) > 1 end)
    eventually(fn -> done?(slot, 1) end)
    assert PgEtf.info(name).in_flight == 0
  end

  test "options are those of a running stream" do
    slot = FakeSlot.start([1])
    name = start(slot, &nothing/1)
    eventually(fn -> done?(slot, 1) end)
    assert PgEtf.update(name, tables: ["public.t"]) == :ok
    FakeSlot.append(slot, [1])
    eventually(fn -> done?(slot, 2) end)
    assert FakeSlot.settings(slot).options["include_tables"] =~ "public.t"
  end

  test "options that do not fit raise" do
    for {module, opts, message} <- [
          {Handler, [], ~r/:name/},
          {Handler, [name: :x, workers: -1], ~r/:workers/},
          {Handler, [name: :x, unit: :transaction, slot: "s", connection: []], ~r/unit/},
          {Handler, [name: :x, slot: "s"], ~r/:connection/},
          {Handler, [name: :x, reader: false, wokers: 1], ~r/unknown option :wokers/},
          {Positions, [name: :x], ~r/checkpoint/},
          {Timers, [name: :x], ~r/handle_info.2, which is for PgEtf.Consumer/},
          {String, [name: :x], ~r/handle_changes/}
        ] do
      assert_raise ArgumentError, message, fn -> Fanout.start_link(module, nil, opts) end
    end
  end
end
