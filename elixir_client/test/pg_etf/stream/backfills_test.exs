defmodule PgEtf.Stream.BackfillsTest do
  use PgEtf.StreamCase, async: true

  alias PgEtf.{Backfill, Error, FakeSlot, Stage}

  defmodule Parts do
    @behaviour PgEtf.Consumer

    @impl true
    def handle_transaction(transaction, test) do
      send(test, {:part, transaction})
      {:ok, test}
    end
  end

  # A program that does not take what it is told of backfills, as long as told so.
  defmodule Busy do
    @behaviour PgEtf.Client

    @impl true
    defdelegate open(settings, opts), to: FakeSlot
    @impl true
    defdelegate handle_message(conn, message), to: FakeSlot
    @impl true
    defdelegate close(conn, timeout), to: FakeSlot

    @impl true
    def command(conn, command) do
      if :persistent_term.get({__MODULE__, elem(conn, 0)}, false) and
           match?({:backfill, _, _}, command),
         do: :busy,
         else: FakeSlot.command(conn, command)
    end

    def set(slot, busy?) do
      :persistent_term.put({__MODULE__, String.to_existing_atom(slot)}, busy?)
    end
  end

  defp started(slot, id, mode) do
    details = %{mode: mode, tables: 1, rows: 10, bytes: 1000}
    FakeSlot.backfill(slot, :started, id, details)
    if mode == :exact, do: FakeSlot.backfill(slot, :round, id, %{lsn: 7, tables: 1})
  end

  defp closed(slot, id, number, lsn \\ 7) do
    details = %{chunk: number, lsn: lsn, rel: 1, rows: 3, bytes: 30}
    FakeSlot.backfill(slot, :close, id, details)
  end

  defp commands(slot, stage) do
    Stage.settle(stage, slot)
    FakeSlot.commands(slot)
  end

  defp one(stage) do
    [backfill] = PgEtf.backfills(stage)
    backfill
  end

  test "a snapshot is asked for at the start, and its chunks are done when all rows are" do
    slot = FakeSlot.start([2])
    stage = produce(slot, snapshot: :initial)
    eventually(fn -> FakeSlot.commands(slot) != [] end)
    assert FakeSlot.settings(slot).snapshot == :on

    assert FakeSlot.commands(slot) == [
             {:backfill, "snapshot",
              %{
                mode: :exact,
                jobs: 2,
                max_hold: 1_800_000,
                chunk_bytes: 262_144,
                store: :server,
                once: false
              }}
           ]

    started(slot, "snapshot", :exact)
    FakeSlot.backfill(slot, :read, {"snapshot", 1}, [10, 11])
    FakeSlot.backfill(slot, :read, {"snapshot", 2}, [20])
    FakeSlot.backfill(slot, :read, {"snapshot", 1}, [12])
    closed(slot, "snapshot", 1)
    closed(slot, "snapshot", 2)
    messages = Stage.take(stage, 6)
    assert ids(messages) == [0, 1, 10, 11, 20, 12]
    assert [{:insert, 100, 0}, _, {:read, 7, nil} | _] = places(messages)

    # The prefix has to be closed, in whatever order.
    {stream, reads} = Enum.split(messages, 2)
    PgEtf.ack(Enum.reverse(reads))
    assert length(commands(slot, stage)) == 1
    PgEtf.ack(stream)
    eventually(fn -> length(FakeSlot.commands(slot)) == 3 end)
    done = [{:backfill_done, "snapshot", 1}, {:backfill_done, "snapshot", 2}]
    assert tl(FakeSlot.commands(slot)) == done
    assert done?(slot, 1)
    assert FakeSlot.breaches(slot) == []
  end

  defp places(messages) do
    for %{data: change} <- messages, do: {change.op, change.commit_lsn, change.index}
  end

  test "reads are in the account that both sides keep, if they cost credit" do
    slot = FakeSlot.start([1])
    stage = produce(slot, stats_interval: 20)
    {:ok, "free"} = PgEtf.backfill(stage, "public.t", id: "free")
    {:ok, "dear"} = PgEtf.backfill(stage, "public.t", id: "dear", mode: :exact)
    started(slot, "free", :incremental)
    FakeSlot.backfill(slot, :open, "free", %{chunk: 1, rel: 1, key: "id"})
    FakeSlot.backfill(slot, :read, {"free", 1}, {:free, [1, 2]})
    FakeSlot.backfill(slot, :there, "free", %{chunk: 1})
    closed(slot, "free", 1, 160)
    started(slot, "dear", :exact)
    FakeSlot.backfill(slot, :read, {"dear", 1}, [3, 4])
    messages = Stage.take(stage, 5)
    assert ids(messages) == [0, 1, 2, 3, 4]
    assert %{received_events: 3} = Stage.info(stage)
    PgEtf.ack(messages)
    eventually(fn -> match?(%{held_bytes: 0}, Stage.info(stage)) end)
    # A difference in statistics would end the program.
    eventually(fn -> match?(%{sent_events: 3}, PgEtf.info(stage).client) end)
    assert FakeSlot.runs(slot) == 1
  end

  test "a chunk whose rows are all dropped is done at once" do
    slot = FakeSlot.start([])
    stage = produce(slot)
    {:ok, id} = PgEtf.backfill(stage, "public.t")
    started(slot, id, :incremental)
    FakeSlot.backfill(slot, :open, id, %{chunk: 4, rel: 1, key: "id"})
    closed(slot, id, 4)
    eventually(fn -> {:backfill_done, id, 4} in FakeSlot.commands(slot) end)
  end

  test "whoever asks sees how far it is" do
    slot = FakeSlot.start([])
    stage = produce(slot)
    {:ok, id} = PgEtf.backfill(stage, ["public.t", "audit.*"], where: "id > 5", chunk_bytes: 100)
    assert %Backfill{id: ^id, mode: :incremental, status: :waiting} = one(stage)
    for step <- [:pause_backfill, :resume_backfill], do: apply(PgEtf, step, [stage, id])
    assert one(stage).status == :waiting

    assert [
             {:backfill, ^id, %{tables: "public.t,audit.*", where: "id > 5", chunk_bytes: 100}}
             | _
           ] = commands(slot, stage)

    started(slot, id, :incremental)
    eventually(fn -> match?(%{status: :running, tables: 1}, one(stage)) end)

    progress = %{
      table: "public.t",
      rows: 5,
      bytes: 50,
      estimate: 10,
      percent: 50,
      rate: 5,
      eta: 1
    }

    FakeSlot.backfill(slot, :progress, id, progress)
    eventually(fn -> one(stage).rows == 5 end)
    assert %{table: "public.t", estimate: 10, rate: 5, eta: 1} = one(stage)

    assert PgEtf.pause_backfill(stage, id) == :ok
    assert one(stage).status == :paused
    started(slot, id, :incremental)
    Stage.settle(stage, slot)
    assert one(stage).status == :paused
    assert PgEtf.resume_backfill(stage, id) == :ok
    failure = %{table: "public.t", rel: 1, message: "no", hint: "", sqlstate: "55P03"}
    FakeSlot.backfill(slot, :table_failed, id, failure)

    eventually(fn -> match?(%Error{class: :server_error, sqlstate: "55P03"}, one(stage).error) end)

    done = %{table: "public.t", rel: 1, rows: 10, bytes: 100, reason: :done}
    FakeSlot.backfill(slot, :table_done, id, done)
    FakeSlot.backfill(slot, :finished, id, %{tables: 1, rows: 10, bytes: 100})
    eventually(fn -> match?(%{status: :finished, tables_done: 1, rows: 10}, one(stage)) end)
    assert %{error: nil, eta: 0} = one(stage)
    assert {:error, %Error{class: :config, hint: hint}} = PgEtf.stop_backfill(stage, id)
    assert hint =~ "PgEtf.backfills/1"

    rest = [{:backfill_pause, id}, {:backfill_resume, id}]
    assert tl(commands(slot, stage)) == rest ++ rest
    assert PgEtf.info(stage).backfills == PgEtf.backfills(stage)
  end

  test "one that cannot be is told, and the stream goes on" do
    slot = FakeSlot.start([1])
    stage = produce(slot)
    {:ok, id} = PgEtf.backfill(stage, "public.t")
    assert {:error, %Error{message: message}} = PgEtf.backfill(stage, "public.u", id: id)
    assert message =~ "has not ended"
    failure = %{class: :config, message: "no SELECT", hint: "GRANT", sqlstate: ""}
    FakeSlot.backfill(slot, :failed, id, failure)
    eventually(fn -> match?(%{status: :failed}, one(stage)) end)
    assert %Error{class: :config, sqlstate: nil} = one(stage).error
    assert {:ok, ^id} = PgEtf.backfill(stage, "public.t", id: id)
    assert [0] = stage |> Stage.take(1) |> ids()
    assert FakeSlot.runs(slot) == 1
  end

  test "a stop ends it" do
    slot = FakeSlot.start([])
    stage = produce(slot)
    {:ok, id} = PgEtf.backfill(stage, "public.t")
    started(slot, id, :incremental)
    assert PgEtf.stop_backfill(stage, id) == :ok
    assert {:backfill_stop, ^id} = stage |> then(&commands(slot, &1)) |> List.last()
    FakeSlot.backfill(slot, :stopped, id, %{tables: 0, rows: 0, bytes: 0})
    eventually(fn -> one(stage).status == :stopped end)
  end

  test "rows that are handled behind a stop are of no interest" do
    slot = FakeSlot.start([])
    stage = produce(slot)
    {:ok, id} = PgEtf.backfill(stage, "public.t", mode: :exact)
    started(slot, id, :exact)
    FakeSlot.backfill(slot, :read, {id, 1}, [10])
    closed(slot, id, 1)
    messages = Stage.take(stage, 1)
    FakeSlot.backfill(slot, :stopped, id, %{tables: 0, rows: 0, bytes: 0})
    eventually(fn -> one(stage).status == :stopped end)
    PgEtf.ack(messages)
    assert [{:backfill, ^id, _}] = commands(slot, stage)
  end

  test "what was not done is asked for again in the next program" do
    slot = FakeSlot.start([1])
    stage = produce(slot, snapshot: ["public.t"])
    eventually(fn -> length(FakeSlot.commands(slot)) == 1 end)
    {:ok, "b"} = PgEtf.backfill(stage, "public.t", id: "b")
    started(slot, "snapshot", :exact)
    FakeSlot.backfill(slot, :read, {"snapshot", 1}, [10])
    closed(slot, "snapshot", 1)
    messages = Stage.take(stage, 2)
    # A read that fails is a failure like any other.
    PgEtf.ack([], messages)
    eventually(fn -> FakeSlot.runs(slot) == 2 end)
    eventually(fn -> length(FakeSlot.commands(slot)) == 4 end)
    assert [snapshot, other, snapshot, other] = FakeSlot.commands(slot)

    assert {{:backfill, "snapshot", %{tables: "public.t"}}, {:backfill, "b", _}} =
             {snapshot, other}

    assert %{"snapshot" => :waiting} = Map.new(PgEtf.backfills(stage), &{&1.id, &1.status})
    # It was of the other program.
    PgEtf.ack(messages)
    assert length(commands(slot, stage)) == 4

    started(slot, "snapshot", :exact)
    FakeSlot.backfill(slot, :finished, "snapshot", %{tables: 1, rows: 1, bytes: 1})
    eventually(fn -> Enum.any?(PgEtf.backfills(stage), &(&1.status == :finished)) end)
    FakeSlot.kill(slot)
    eventually(fn -> length(FakeSlot.commands(slot)) == 5 end)
    refute Map.has_key?(FakeSlot.settings(slot), :snapshot)
    assert {:backfill, "b", _} = List.last(FakeSlot.commands(slot))
  end

  test "an incremental snapshot does not come before the stream" do
    slot = FakeSlot.start([])
    produce(slot, snapshot: [tables: ["public.t"], mode: :incremental])
    eventually(fn -> FakeSlot.commands(slot) != [] end)
    assert [{:backfill, "snapshot", %{mode: :incremental}}] = FakeSlot.commands(slot)
    refute Map.has_key?(FakeSlot.settings(slot), :snapshot)
  end

  test "without the server's store functions keep what is done, for another life, too" do
    {:ok, kept} = Agent.start_link(fn -> %{} end)
    load = fn -> Agent.get(kept, & &1) end

    save = fn
      id, nil -> Agent.update(kept, &Map.delete(&1, id))
      id, binary -> Agent.update(kept, &Map.put(&1, id, binary))
    end

    slot = FakeSlot.start([])
    first = produce(slot, backfill_store: {load, save}, snapshot: :initial)
    connection = [hostname: "replica", password: "a secret"]
    {:ok, "b"} = PgEtf.backfill(first, "public.t", id: "b", connection: connection)
    eventually(fn -> length(FakeSlot.commands(slot)) == 2 end)
    assert [{_, _, %{store: :consumer}}, {_, _, %{store: :consumer}}] = FakeSlot.commands(slot)
    FakeSlot.backfill(slot, :state, "snapshot", "done 1")
    FakeSlot.backfill(slot, :state, "b", "done 2")
    eventually(fn -> map_size(load.()) == 2 end)
    refute load.()["b"] =~ "a secret"
    GenServer.stop(first)

    second = produce(slot, backfill_store: {load, save}, snapshot: :initial)
    eventually(fn -> length(FakeSlot.commands(slot)) == 4 end)
    [_, _, snapshot, b] = FakeSlot.commands(slot)
    assert {:backfill, "snapshot", %{mode: :exact, state: "done 1"}} = snapshot
    assert {:backfill, "b", %{tables: "public.t", state: "done 2", connection: to}} = b
    assert to == %{"host" => "replica"}

    # The snapshot's state says that it is done, that of the other one nothing any more.
    for id <- ["snapshot", "b"] do
      FakeSlot.backfill(slot, :finished, id, %{tables: 1, rows: 1, bytes: 1})
    end

    eventually(fn -> Map.keys(load.()) == ["snapshot"] end)
    assert Enum.all?(PgEtf.backfills(second), &(&1.status == :finished))
  end

  test "a store that fails is a failed attempt" do
    slot = FakeSlot.start([1])
    {:ok, calls} = Agent.start_link(fn -> 0 end)

    load = fn ->
      if Agent.get_and_update(calls, &{&1, &1 + 1}) == 0, do: raise("no store"), else: %{}
    end

    {:ok, saves} = Agent.start_link(fn -> 0 end)

    save = fn _, _ ->
      if Agent.get_and_update(saves, &{&1, &1 + 1}) != 1, do: raise("no store")
    end

    stage = produce(slot, backfill_store: {load, save})
    assert [0] = stage |> Stage.take(1) |> ids()
    assert {:error, %Error{class: :exception}} = PgEtf.backfill(stage, "public.t", id: "b")
    assert PgEtf.backfills(stage) == []
    {:ok, "b"} = PgEtf.backfill(stage, "public.t", id: "b")
    runs = FakeSlot.runs(slot)
    FakeSlot.backfill(slot, :state, "b", "done")
    eventually(fn -> FakeSlot.runs(slot) > runs end)
    assert Agent.get(calls, & &1) == runs + 2
  end

  test "a chunk is a transaction in parts for a consumer of transactions" do
    slot = FakeSlot.start([])
    {:ok, consumer} = PgEtf.Consumer.start_link(Parts, self(), opts(slot))
    {:ok, id} = PgEtf.backfill(consumer, "public.t", mode: :exact)
    started(slot, id, :exact)
    FakeSlot.backfill(slot, :read, {id, 1}, [1, 2])
    FakeSlot.backfill(slot, :read, {id, 1}, [3])
    closed(slot, id, 1)
    assert_receive {:part, %{part: :first, changes: [_, _], backfill: %{chunk: 1}, xid: nil}}
    assert_receive {:part, %{part: :middle, first_index: 2, changes: [%{record: %{"id" => 3}}]}}
    assert_receive {:part, %{part: :last, first_index: 3, changes: [], commit_lsn: 7}}
    eventually(fn -> {:backfill_done, id, 1} in FakeSlot.commands(slot) end)
  end

  test "a program that is busy is told later, and nothing is confirmed before" do
    slot = FakeSlot.start([1, 1])
    stage = produce(slot, client: Busy)
    messages = Stage.take(stage, 2)
    Busy.set(slot, true)
    {:ok, "b"} = PgEtf.backfill(stage, "public.t", id: "b")
    PgEtf.ack(messages)
    assert commands(slot, stage) == []
    assert FakeSlot.confirmed(slot) == 0
    Busy.set(slot, false)
    eventually(fn -> match?([{:backfill, "b", _}], FakeSlot.commands(slot)) end)
    eventually(fn -> done?(slot, 2) end)
  end

  test "what is asked for wrongly is refused" do
    slot = FakeSlot.start([])
    stage = produce(slot)

    for {tables, opts, text} <- [
          {"orders", [], "as \"schema.table\""},
          {[], [], "needs a table"},
          {:orders, [], "as \"schema.table\""},
          {"public.t", [mod: :exact], "unknown option :mod"},
          {"public.t", [mode: :both], "invalid value for option :mode"},
          {"public.t", [jobs: 0], "invalid value for option :jobs"},
          {"public.t", [id: ""], "1 to 63 bytes"},
          {"public.t", [id: String.duplicate("x", 64)], "1 to 63 bytes"},
          {"public.t", [connection: [hots: "x"]], "hots"}
        ] do
      error = assert_raise ArgumentError, fn -> PgEtf.backfill(stage, tables, opts) end
      assert error.message =~ text
    end

    for {snapshot, text} <- [
          {:always, "option :snapshot"},
          {["orders"], "as \"schema.table\""},
          {[tables: ["public.t"], hold: 1], "unknown option :hold"}
        ] do
      error =
        assert_raise ArgumentError, fn ->
          PgEtf.Options.validate!(connection: [], slot: "s", snapshot: snapshot)
        end

      assert error.message =~ text
    end

    assert {:error, %Error{class: :config}} = PgEtf.pause_backfill(stage, "none")
    assert_raise ArgumentError, fn -> PgEtf.backfill(self(), "public.t") end
  end
end
