defmodule PgEtf.Stream.BackfillsKeptTest do
  # What was asked for goes on by itself: in another life of the node, and on another node.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{Error, FakeSlot, Stage}

  defp started(slot, id) do
    FakeSlot.backfill(slot, :started, id, %{mode: :incremental, tables: 1, rows: 10, bytes: 1000})
  end

  defp commands(slot, stage) do
    Stage.settle(stage, slot)
    FakeSlot.commands(slot)
  end

  defp one(stage) do
    [backfill] = PgEtf.backfills(stage)
    backfill
  end

  defp keeps do
    {:ok, kept} = Agent.start_link(fn -> %{} end)

    save = fn
      id, nil -> Agent.update(kept, &Map.delete(&1, id))
      id, binary -> Agent.update(kept, &Map.put(&1, id, binary))
    end

    {fn -> Agent.get(kept, & &1) end, save}
  end

  test "what is asked for is kept at once, and goes when it is stopped, whatever runs" do
    {load, _} = store = keeps()
    slot = FakeSlot.start([])
    first = produce(slot, backfill_store: store)
    {:ok, "b"} = PgEtf.backfill(first, "public.t", id: "b")
    assert Map.keys(load.()) == ["b"]
    GenServer.stop(first)

    second = produce(slot, backfill_store: store)
    eventually(fn -> length(FakeSlot.commands(slot)) == 2 end)
    assert [same, same] = FakeSlot.commands(slot)
    refute Map.has_key?(elem(same, 2), :state)
    FakeSlot.kill(slot, :config)
    eventually(fn -> Stage.info(second).status == :halted end)
    :ok = PgEtf.stop_backfill(second, "b")
    assert load.() == %{}
  end

  test "what another node has done of it meanwhile is read again when the slot is free" do
    {load, save} = store = keeps()
    slot = FakeSlot.start([], busy?: true)
    stage = produce(slot, backfill_store: store)
    {:ok, "b"} = PgEtf.backfill(stage, "public.t", id: "b")
    eventually(fn -> length(FakeSlot.commands(slot)) == 1 end)
    FakeSlot.backfill(slot, :state, "b", "done 1")
    eventually(fn -> load.()["b"] =~ "done 1" end)
    {:backfill, "b", request} = hd(FakeSlot.commands(slot))
    request = Map.delete(request, :store)
    save.("b", :erlang.term_to_binary({1, request, "done 2"}))
    save.("c", :erlang.term_to_binary({1, request, ""}))
    eventually(fn -> one(stage).status == :waiting end)
    FakeSlot.free(slot, 0)
    eventually(fn -> length(FakeSlot.commands(slot)) == 3 end)

    assert [_, {:backfill, "b", %{state: "done 2"}}, {:backfill, "c", _}] =
             FakeSlot.commands(slot)
  end

  # What the program has found on the server.
  defp found(slot, requests) do
    for {id, request} <- requests,
        do: FakeSlot.backfill(slot, :kept, id, :erlang.term_to_binary({1, request}))

    FakeSlot.inject(slot, {:backfills, %{kept: Map.keys(requests)}})
  end

  test "what is kept on the server goes on, or has ended elsewhere" do
    slot = FakeSlot.start([], kept: :later)
    stage = produce(slot)
    eventually(fn -> FakeSlot.runs(slot) == 1 end)
    assert FakeSlot.settings(slot).backfills
    found(slot, %{"old" => %{mode: :incremental, tables: "public.t"}})
    eventually(fn -> length(FakeSlot.commands(slot)) == 1 end)

    assert [{:backfill, "old", %{store: :server, once: true, request: kept}}] =
             FakeSlot.commands(slot)

    # The same is no other one.
    {:ok, "new"} = PgEtf.backfill(stage, "public.t", id: "new")
    {:ok, "new"} = PgEtf.backfill(stage, "public.t", id: "new")
    assert {:error, %Error{class: :config}} = PgEtf.backfill(stage, "public.u", id: "new")
    started(slot, "new")
    {:ok, "waits"} = PgEtf.backfill(stage, "public.t", id: "waits")
    assert length(commands(slot, stage)) == 3
    FakeSlot.kill(slot)
    eventually(fn -> length(FakeSlot.commands(slot)) == 4 end)
    assert {:backfill, "waits", _} = List.last(FakeSlot.commands(slot))
    assert {1, request} = :erlang.binary_to_term(kept)
    found(slot, %{"old" => request, "waits" => request})
    eventually(fn -> length(FakeSlot.commands(slot)) == 5 end)
    assert {:backfill, "old", %{request: ^kept}} = List.last(FakeSlot.commands(slot))
    ended = fn -> for b <- PgEtf.backfills(stage), b.status == :finished, do: b.id end
    eventually(fn -> ended.() == ["new"] end)
  end

  test "one that is kept on the server is stopped, even before it is found there" do
    slot = FakeSlot.start([], kept: :later)
    stage = produce(slot)
    {:ok, "b"} = PgEtf.backfill(stage, "public.t", id: "b")
    started(slot, "b")
    eventually(fn -> one(stage).status == :running end)
    FakeSlot.kill(slot)
    eventually(fn -> FakeSlot.runs(slot) == 2 end)
    eventually(fn -> one(stage).status == :waiting end)
    assert length(commands(slot, stage)) == 1
    :ok = PgEtf.stop_backfill(stage, "b")
    eventually(fn -> length(FakeSlot.commands(slot)) == 3 end)
    assert [_, {:backfill, "b", _}, {:backfill_stop, "b"}] = FakeSlot.commands(slot)
  end

  @relation {:relation, 1, "public", "t", :default,
             [{"id", 23, "int4", -1, [:key]}, {"big", 25, "text", -1, []}]}

  # Row 1 moves, and its large value is not in the stream.
  defp moves(slot) do
    update = {:update, 1, {:key, {1}}, {2, :unchanged_toast}}
    FakeSlot.inject(slot, [{:tx, :whole, {1, 100, 160, 0}, 0, 1, %{}, [@relation, update]}])
  end

  test "nothing is confirmed behind what moves before it is known what is kept" do
    for known <- [%{kept: ["old"]}, %{}] do
      slot = FakeSlot.start([], kept: :later)
      stage = produce(slot)
      eventually(fn -> FakeSlot.runs(slot) == 1 end)
      moves(slot)
      stage |> Stage.take(1) |> PgEtf.ack()
      Stage.settle(stage, slot)
      assert FakeSlot.confirmed(slot) == 0

      for id <- known[:kept] || [] do
        request = :erlang.term_to_binary({1, %{mode: :incremental, tables: "public.t"}})
        FakeSlot.backfill(slot, :kept, id, request)
      end

      FakeSlot.inject(slot, {:backfills, known})
      eventually(fn -> FakeSlot.confirmed(slot) == 160 end)
      keys = for {:backfill_keys, "old", 1, keys} <- FakeSlot.commands(slot), do: keys
      assert keys == if(known == %{}, do: [], else: [[%{"id" => "2"}]])
    end
  end

  test "a row's move is handed out once its key is kept, where positions are stored" do
    slot = FakeSlot.start([], kept: :later)
    stage = produce(slot, start_position: fn -> nil end)
    eventually(fn -> FakeSlot.runs(slot) == 1 end)
    Stage.ask(stage, 1)
    moves(slot)
    eventually(fn -> Stage.info(stage).progress == :waiting_for_backfill end)
    found(slot, %{"old" => %{mode: :incremental, tables: "public.t"}})
    eventually(fn -> match?({:backfill_keys, _, 1, _}, List.last(FakeSlot.commands(slot))) end)
    Stage.settle(stage, slot)
    refute_received {Stage, ^stage, _}
    FakeSlot.inject(slot, {:keys_kept, %{commands: 1}})
    assert [_] = Stage.receive_messages(stage, 1)
  end

  defmodule Parts do
    @behaviour PgEtf.Consumer

    @impl true
    def handle_transaction(transaction, test) do
      send(test, {:part, transaction})
      {:ok, test}
    end
  end

  test "the last part of a chunk has the state behind it, as it is loaded" do
    slot = FakeSlot.start([])
    opts = opts(slot, backfill_store: keeps(), max_transaction_changes: 2)
    {:ok, consumer} = PgEtf.Consumer.start_link(Parts, self(), opts)
    {:ok, "b"} = PgEtf.backfill(consumer, "public.t", id: "b")

    eventually(fn -> match?([{:backfill, "b", %{close_state: true}}], FakeSlot.commands(slot)) end)

    started(slot, "b")

    for {chunk, rows} <- [{1, [1, 2, 3]}, {2, []}] do
      FakeSlot.backfill(slot, :open, "b", %{chunk: chunk, rel: 1, key: "id"})
      if rows != [], do: FakeSlot.backfill(slot, :read, {"b", chunk}, {:free, rows})
      FakeSlot.backfill(slot, :there, "b", %{chunk: chunk})
      FakeSlot.backfill(slot, :close_state, "b", "done #{chunk}")
      facts = %{chunk: chunk, lsn: 160, rel: 1, rows: length(rows), bytes: 30}
      FakeSlot.backfill(slot, :close, "b", facts)
    end

    assert_receive {:part, %{part: :first, backfill: first}}
    refute Map.has_key?(first, :state)
    assert_receive {:part, %{part: :last, changes: [_], backfill: %{state: state}}}
    assert {1, %{tables: "public.t"}, "done 1"} = :erlang.binary_to_term(state)
    assert_receive {:part, %{part: :whole, changes: [], backfill: %{state: state}}}
    assert {1, _, "done 2"} = :erlang.binary_to_term(state)
  end
end
