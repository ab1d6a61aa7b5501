defmodule PgEtf.InfoTest do
  # The state of a stream is there for whoever asks, at any time, under any name.
  use ExUnit.Case, async: true

  import PgEtf.Eventually

  alias PgEtf.{Consumer, FakeSlot, LogTo, Producer, Stage}
  alias PgEtf.Stream.Directory

  @moduletag :capture_log

  defmodule Blocking do
    @behaviour Consumer

    @impl true
    def handle_changes(_changes, test) do
      send(test, {:handling, self()})
      receive do: (:go_on -> {:ok, test})
    end
  end

  defmodule Quick do
    @behaviour Consumer

    @impl true
    def handle_changes(_changes, state), do: {:ok, state}
  end

  defmodule Bystander do
    use GenServer

    @impl true
    def init(nil), do: {:ok, nil}
  end

  setup do
    Process.flag(:trap_exit, true)
    slot = FakeSlot.start([1, 1, 1])
    %{slot: slot, opts: [connection: [], slot: slot, client: FakeSlot]}
  end

  test "does not wait for a handler", %{opts: opts, slot: slot} do
    {:ok, consumer} = Consumer.start_link(Blocking, self(), [max_changes: 1] ++ opts)
    assert_receive {:handling, ^consumer}
    asked = System.monotonic_time(:millisecond)
    info = PgEtf.info(consumer)
    assert %{status: :connected, in_flight: 1, slot: ^slot} = info
    assert PgEtf.resume(consumer) == :ok
    assert System.monotonic_time(:millisecond) - asked < 1000
    # And says how long it has been waiting.
    assert eventually(fn -> PgEtf.info(consumer).oldest > info.oldest end)
    # One that comes between two handlers is for nobody.
    assert eventually(fn ->
             send(consumer, :go_on)
             FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3)
           end)

    assert eventually(fn -> match?(%{in_flight: 0, oldest: 0}, PgEtf.info(consumer)) end)
  end

  test "a handler that hangs is told of, though its process can say nothing", context do
    LogTo.start()
    opts = [name: :"hangs_#{context.slot}", stall_after: 300] ++ context.opts
    {:ok, consumer} = Consumer.start_link(Blocking, self(), opts)
    assert_receive {:handling, ^consumer}
    LogTo.wait_for(~r/hangs_#{context.slot}.*a callback runs for \d+ s, nothing else is done/s)
    assert eventually(fn -> PgEtf.info(consumer).progress == :waiting_for_acks end)
  end

  test "a stream that has nothing to do is not told of", context do
    LogTo.start()
    opts = [name: :"idle_#{context.slot}", stall_after: 300] ++ context.opts
    {:ok, _consumer} = Consumer.start_link(Quick, nil, opts)
    assert eventually(fn -> FakeSlot.confirmed(context.slot) == FakeSlot.end_lsn(3) end)
    Process.sleep(2_500)
    refute Process.info(self(), :messages) |> inspect(limit: :infinity) =~ "a callback runs"
  end

  test "takes every kind of name", %{opts: opts, slot: slot} do
    name = :"named_#{slot}"
    registry = :"registry_#{slot}"
    start_supervised!({Registry, keys: :unique, name: registry})

    for name <- [name, {:global, name}, {:via, Registry, {registry, "x"}}] do
      {:ok, consumer} = Consumer.start_link(Blocking, self(), [name: name] ++ opts)
      assert PgEtf.info(name).slot == slot
      assert PgEtf.resume(name) == :ok
      if is_atom(name), do: assert(PgEtf.info({name, node()}).slot == slot)
      Process.exit(consumer, :kill)
      assert_receive {:EXIT, ^consumer, :killed}
    end
  end

  test "does no harm to what is no stream, and says so", %{opts: opts} do
    {:ok, bystander} = GenServer.start_link(Bystander, nil)
    {:ok, stage} = Stage.start_link(Producer, opts)
    ended = spawn(fn -> :ok end)

    for server <- [bystander, self(), ended, :nobody_there, {:global, :nobody}] do
      for fun <- [&PgEtf.info/1, &PgEtf.resume/1] do
        assert_raise ArgumentError, ~r/is not a running stream/, fn -> fun.(server) end
      end
    end

    assert Process.alive?(bystander)
    refute_receive _
    assert Stage.info(stage).demand == 0
    Stage.ask(stage, 5)
    assert eventually(fn -> Stage.info(stage).demand == 2 end)
  end

  test "one that is being started is none yet" do
    Directory.join(nil, slot: "s", stall_after: 60_000)
    assert_raise ArgumentError, fn -> PgEtf.info(self()) end
    assert_raise ArgumentError, fn -> PgEtf.resume(self()) end
  end

  test "nothing is left of a stream that has ended", %{opts: opts} do
    {:ok, consumer} = Consumer.start_link(Blocking, self(), opts)
    assert PgEtf.info(consumer)
    Process.exit(consumer, :kill)
    assert eventually(fn -> Directory.find(consumer) == nil end)
    assert_raise ArgumentError, fn -> PgEtf.info(consumer) end
  end
end
