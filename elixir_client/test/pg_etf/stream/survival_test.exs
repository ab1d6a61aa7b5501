defmodule PgEtf.SurvivalTest do
  # Whatever fails, the user's supervisor lives, the log tells it once, and the stream
  # goes on when the cause is gone.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{Consumer, Error, FakeSlot, LogTo, Producer, Stage}

  # Each callback is what the test says, for the time being.
  defmodule Told do
    @behaviour Consumer

    @impl true
    def checkpoint(state), do: run(state, :checkpoint, [])

    @impl true
    def handle_transaction(transaction, state) do
      result(run(state, :handle, [transaction]), state)
    end

    @impl true
    def handle_position(lsn, state), do: result(run(state, :position, [lsn]), state)

    defp run(agent, name, args), do: apply(Agent.get(agent, &Map.get(&1, name)), args)

    defp result(:odd, _state), do: :odd
    defp result(_, state), do: {:ok, state}
  end

  defp functions(functions) do
    nothing = %{
      checkpoint: fn -> nil end,
      handle: fn _ -> :ok end,
      position: fn _ -> :ok end
    }

    start_supervised!({Agent, fn -> Map.merge(nothing, functions) end})
  end

  defp mend(agent, name, fun), do: Agent.update(agent, &Map.put(&1, name, fun))

  # Under a supervisor as people write it.
  defp supervise(slot, arg, more \\ []) do
    Process.flag(:trap_exit, true)
    child = {Consumer, {Told, arg, opts(slot, [name: :"survivor_#{slot}"] ++ more)}}
    {:ok, supervisor} = Supervisor.start_link([child], strategy: :one_for_one)
    [{_, consumer, _, _}] = Supervisor.which_children(supervisor)
    {supervisor, consumer}
  end

  defp survived({supervisor, consumer}) do
    assert [{_, ^consumer, _, _}] = Supervisor.which_children(supervisor)
  end

  defp count(name), do: fn -> send(name, :called) end

  defp calls(0), do: :ok

  defp calls(count) do
    assert_receive :called, 5_000
    calls(count - 1)
  end

  defp confirmed?(slot), do: FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2)

  defp logged(events \\ []) do
    receive do
      {LogTo, text} -> logged([text | events])
    after
      0 -> Enum.reverse(events)
    end
  end

  defp lines(slot, pattern) do
    Enum.filter(logged(), &(&1 =~ slot and &1 =~ ":string" and &1 =~ pattern))
  end

  # Attempts go on meanwhile, and an open circuit has a line of its own.
  defp warnings(slot, pattern) do
    for line <- lines(slot, pattern), line =~ "level: :warning", do: line
  end

  for {title, fun} <- [
        {"raises", quote(do: raise("no sink"))},
        {"throws", quote(do: throw(:no_sink))},
        {"exits", quote(do: exit(:no_sink))},
        {"exits as if it were to stop", quote(do: exit(:shutdown))}
      ] do
    test "a handler that #{title} is tried again, and told once with its stacktrace" do
      test = count(self())
      LogTo.start()

      failing = fn _ ->
        test.()
        unquote(fun)
      end

      agent = functions(%{handle: failing})
      slot = FakeSlot.start([1, 1])
      survivors = supervise(slot, agent)
      calls(6)
      survived(survivors)
      assert %Error{class: :failure, details: %{commit_lsn: 100}} = info(slot).error
      mend(agent, :handle, fn _ -> :ok end)
      eventually(fn -> confirmed?(slot) end)
      survived(survivors)
      eventually(fn -> info(slot).error == nil end)
      assert [line] = warnings(slot, "failed")
      assert line =~ "survival_test.exs"
      assert FakeSlot.breaches(slot) == []
    end
  end

  defp info(slot), do: PgEtf.info(:"survivor_#{slot}")

  test "a handler that answers nonsense" do
    agent = functions(%{handle: fn _ -> :odd end})
    slot = FakeSlot.start([1, 1])
    survivors = supervise(slot, agent)
    eventually(fn -> FakeSlot.runs(slot) > 5 end)
    mend(agent, :handle, fn _ -> :ok end)
    eventually(fn -> confirmed?(slot) end)
    survived(survivors)
  end

  test "checkpoint/1 that raises" do
    test = count(self())
    LogTo.start()

    agent =
      functions(%{
        checkpoint: fn ->
          test.()
          raise "no sink"
        end
      })

    slot = FakeSlot.start([1, 1])
    survivors = supervise(slot, agent)
    calls(6)
    assert %Error{class: :exception, message: message} = info(slot).error
    assert message =~ "checkpoint/1 failed: ** (RuntimeError) no sink"
    assert FakeSlot.runs(slot) == 0
    mend(agent, :checkpoint, fn -> nil end)
    eventually(fn -> confirmed?(slot) end)
    survived(survivors)
    assert [line] = warnings(slot, "checkpoint")
    assert line =~ "survival_test.exs"
  end

  for {title, answer} <- [
        {"that is tagged", {:ok, 5}},
        {"that is text", "0/5"},
        {"that is negative", -1},
        {"of a state that goes with nonsense", {:none, :state}}
      ] do
    test "checkpoint/1 that answers a position #{title}" do
      agent = functions(%{checkpoint: fn -> unquote(answer) end})
      slot = FakeSlot.start([1, 1])
      survivors = supervise(slot, agent)
      eventually(fn -> info(slot).error != nil end)
      assert %Error{class: :exception, message: message} = info(slot).error
      assert message =~ "checkpoint/1 returned #{inspect(unquote(answer))}"
      assert FakeSlot.runs(slot) == 0
      # With the state that it had.
      mend(agent, :checkpoint, fn -> nil end)
      eventually(fn -> confirmed?(slot) end)
      survived(survivors)
    end
  end

  test "start_position that answers no position" do
    Process.flag(:trap_exit, true)
    slot = FakeSlot.start([1])
    {:ok, stage} = Stage.start_link(Producer, opts(slot, start_position: fn -> "0/5" end))
    eventually(fn -> Stage.info(stage).error != nil end)
    assert Stage.info(stage).error.message =~ "start_position returned \"0/5\""
    assert FakeSlot.runs(slot) == 0
  end

  test "handle_position/2 that raises: the position is not confirmed" do
    test = count(self())

    agent =
      functions(%{
        position: fn _ ->
          test.()
          raise "no sink"
        end
      })

    slot = FakeSlot.start([1, 1])
    survivors = supervise(slot, agent, on_failure: :ack)
    eventually(fn -> confirmed?(slot) end)
    FakeSlot.position(slot, 9_000)
    calls(1)
    eventually(fn -> FakeSlot.runs(slot) == 2 end)
    assert confirmed?(slot)
    mend(agent, :position, fn _ -> :ok end)
    FakeSlot.position(slot, 9_000)
    eventually(fn -> FakeSlot.confirmed(slot) == 9_000 end)
    survived(survivors)
  end

  for name <- [:connection, :start_position, :store_position] do
    test "#{name} of a producer that raises" do
      Process.flag(:trap_exit, true)
      test = count(self())
      broken = start_supervised!({Agent, fn -> true end})

      call = fn result ->
        test.()
        if Agent.get(broken, & &1), do: raise("no sink"), else: result
      end

      slot = FakeSlot.start([])

      more =
        case unquote(name) do
          :connection -> [connection: fn -> call.([]) end]
          :start_position -> [start_position: fn -> call.(nil) end]
          :store_position -> [start_position: fn -> nil end, store_position: call]
        end

      {:ok, stage} = Stage.start_link(Producer, opts(slot, more))

      if unquote(name) == :store_position do
        FakeSlot.position(slot, 9_000)
        calls(1)
        eventually(fn -> FakeSlot.runs(slot) == 2 end)
        assert FakeSlot.confirmed(slot) == 0
      else
        calls(6)
        assert %{error: %Error{class: :exception}} = Stage.info(stage)
        assert FakeSlot.runs(slot) == 0
      end

      Agent.update(broken, fn _ -> false end)
      eventually(fn -> Stage.info(stage).status == :connected end)
      FakeSlot.position(slot, 9_000)
      assert Process.alive?(stage)

      if unquote(name) == :store_position do
        eventually(fn -> FakeSlot.confirmed(slot) == 9_000 end)
      end
    end
  end

  test "with on_exception: :crash the supervisor decides" do
    agent = functions(%{handle: fn _ -> raise "no sink" end})
    {supervisor, _} = supervise(FakeSlot.start([1]), agent, on_exception: :crash)
    assert_receive {:EXIT, ^supervisor, :shutdown}, 5_000
  end

  describe "an error that does not pass by itself" do
    test "halts: one line with the hint, however often it is tried again" do
      LogTo.start()
      slot = FakeSlot.start([1, 1])
      survivors = supervise(slot, functions(%{}), retry_after: 5, create_slot: true)
      eventually(fn -> confirmed?(slot) end)
      assert FakeSlot.settings(slot).create == :if_missing

      for run <- 1..5 do
        FakeSlot.inject(slot, {:fatal, :slot_missing, %{message: "gone", hint: "do this"}})
        eventually(fn -> FakeSlot.runs(slot) == run + 1 end)
        # Where nobody can know what is missing, no slot is made.
        assert FakeSlot.settings(slot).create == :none
      end

      survived(survivors)
      eventually(fn -> info(slot).status == :connected end)
      assert info(slot).error == nil
    end

    test "a lost slot that was dropped is made anew in one step" do
      slot = FakeSlot.start([1, 1])
      supervise(slot, functions(%{}), create_slot: true)
      eventually(fn -> confirmed?(slot) end)
      FakeSlot.inject(slot, {:fatal, :slot_lost, %{message: "lost", hint: "drop it"}})
      eventually(fn -> info(slot).status == :halted end)
      PgEtf.resume(:"survivor_#{slot}", create_slot: true)
      eventually(fn -> FakeSlot.runs(slot) == 2 end)
      assert FakeSlot.settings(slot).create == :if_missing
    end

    test "a gap of a stream that stores nothing waits for somebody" do
      slot = FakeSlot.start([1, 1])
      {:ok, stage} = Stage.start_link(Producer, opts(slot, retry_after: 5))
      eventually(fn -> PgEtf.info(stage).status == :connected end)
      FakeSlot.inject(slot, {:fatal, :gap, %{message: "made anew", hint: "copy"}})
      eventually(fn -> PgEtf.info(stage).status == :halted end)
      Process.sleep(100)
      assert FakeSlot.runs(slot) == 1
      assert PgEtf.resume(stage) == :ok
      eventually(fn -> FakeSlot.runs(slot) == 2 end)
    end

    test "is told with its status, and left by resume/1" do
      LogTo.start()
      slot = FakeSlot.start([1])
      survivors = supervise(slot, functions(%{}))
      FakeSlot.inject(slot, {:fatal, :auth, %{message: "wrong password", hint: "do this"}})
      eventually(fn -> info(slot).status == :halted end)
      assert %Error{class: :auth, message: "wrong password"} = info(slot).error
      assert [line] = lines(slot, "wrong password")
      assert line =~ "do this"
      assert line =~ "300 s"
      assert :ok = PgEtf.resume(:"survivor_#{slot}")
      eventually(fn -> info(slot).status == :connected end)
      assert FakeSlot.runs(slot) == 2
      survived(survivors)
    end

    test "stops with on_error: :stop, and the last message is no packet" do
      Process.flag(:trap_exit, true)
      LogTo.start()
      slot = FakeSlot.start([])
      {:ok, stage} = Stage.start_link(Producer, opts(slot, on_error: :stop))
      FakeSlot.inject(slot, [{:tx, :odd, "secret_row"}])
      assert_receive {:EXIT, ^stage, {%Error{class: :protocol}, []}}
      crash = LogTo.wait_for(~r/^(?=.*:gen_server\.format_log).*#{inspect(stage)}/s)
      refute crash =~ "secret_row"
    end
  end

  test "the reason is told while the program reconnects by itself" do
    slot = FakeSlot.start([1])
    supervise(slot, functions(%{}))
    details = %{class: :network, message: "refused", hint: "h", sqlstate: "", delay: 5}
    FakeSlot.inject(slot, {:status, :reconnecting, details})
    eventually(fn -> info(slot).status == :reconnecting end)
    assert %Error{class: :network, message: "refused"} = info(slot).error
    FakeSlot.inject(slot, {:status, :connected, %{}})
    eventually(fn -> info(slot).status == :connected end)
    assert info(slot).error == nil
  end
end
