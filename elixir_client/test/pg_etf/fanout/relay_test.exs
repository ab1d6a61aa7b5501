defmodule PgEtf.Fanout.RelayTest do
  # Workers that come, go, are slow or cannot be reached, against what must hold whatever
  # they do: nothing is lost, and what was handled of a key was handled in order.
  use ExUnit.Case, async: true

  alias PgEtf.Fanout.Relay

  @changes 400
  @keys 30

  # workers  {node, index, pid, reference} => what is sent to it, oldest first
  # handled  changes in the order in which workers have handled them
  # acked    numbers that came back
  defp run(seed) do
    :rand.seed(:exsss, seed)
    first = for _ <- 1..Enum.random(1..3), do: worker()
    refs = for {_, _, pid, ref} <- first, do: {pid, ref}
    model = %{relay: Relay.new(refs), asked: first, workers: %{}, next: 0, handled: [], acked: []}
    steps(model, 5_000)
  end

  # Pids of this node, which do nothing.
  defp worker do
    pid = spawn(fn -> :ok end)
    {:"n#{Enum.random(1..3)}", Enum.random(0..3), pid, make_ref()}
  end

  defp steps(%{acked: acked} = model, 0),
    do: flunk("stands at #{length(acked)}: #{inspect(model)}")

  defp steps(%{acked: acked} = model, _left) when length(acked) >= @changes, do: model
  defp steps(model, left), do: model |> step(Enum.random(1..100)) |> steps(left - 1)

  defp step(model, n) when n < 25, do: read(model)
  defp step(model, n) when n < 55, do: flush(model)
  defp step(model, n) when n < 90, do: handle(model)
  defp step(model, n) when n < 96, do: answer(model)

  defp step(%{workers: workers} = model, n) when n < 98 and map_size(workers) < 5 do
    {_, _, pid, ref} = worker = worker()
    %{model | relay: Relay.welcome(model.relay, pid, ref), asked: [worker | model.asked]}
  end

  defp step(%{workers: workers} = model, 99) when map_size(workers) > 1, do: lose(model)
  defp step(model, _n), do: model

  defp read(%{next: @changes} = model), do: model

  defp read(model) do
    if Relay.hungry?(model.relay) do
      last = min(model.next + Enum.random(1..20), @changes) - 1
      data = for seq <- model.next..last, do: {seq, seq}
      %{model | relay: Relay.put(model.relay, data, &rem(&1, @keys)), next: last + 1}
    else
      model
    end
  end

  defp flush(model) do
    test = self()

    relay =
      Relay.flush(model.relay, fn _pid, ref, data ->
        sent? = :rand.uniform(4) > 1
        if sent?, do: send(test, {:sent, ref, data})
        sent?
      end)

    sent(%{model | relay: relay})
  end

  defp sent(model) do
    receive do
      {:sent, ref, data} ->
        worker = Enum.find(Map.keys(model.workers), &(elem(&1, 3) == ref))
        sent(update_in(model.workers[worker], &(&1 ++ data)))
    after
      0 -> model
    end
  end

  # It may be gone before its answer is here.
  defp handle(%{workers: workers} = model) do
    case Enum.reject(workers, fn {_, data} -> data == [] end) do
      [] ->
        model

      busy ->
        {{_, _, _, ref} = worker, data} = Enum.random(busy)
        {some, rest} = Enum.split(data, Enum.random(1..10))
        model = %{model | handled: model.handled ++ some}
        model = put_in(model.workers[worker], rest)
        {items, relay} = Relay.done(model.relay, ref, length(some))
        seqs = for {seq, _, _} <- items, do: seq
        assert seqs == some
        %{model | relay: relay, acked: model.acked ++ seqs}
    end
  end

  defp answer(%{asked: []} = model), do: model

  defp answer(%{asked: [{node, index, _pid, ref} = worker | asked]} = model) do
    about = %{node: node, index: index, window: Enum.random(5..40)}
    relay = Relay.ready(model.relay, ref, about)
    %{model | relay: relay, asked: asked, workers: Map.put(model.workers, worker, [])}
  end

  # It has handled some of it, and nobody has heard of that.
  defp lose(model) do
    {{_, _, pid, _} = worker, data} = Enum.random(model.workers)
    {_count, relay} = Relay.gone(model.relay, pid)
    handled = model.handled ++ Enum.take(data, Enum.random(0..5))
    %{model | relay: relay, workers: Map.delete(model.workers, worker), handled: handled}
  end

  test "each comes back once, and those of a key in order" do
    for seed <- 1..60 do
      %{acked: acked, handled: handled} = run(seed)
      assert Enum.sort(acked) == Enum.to_list(0..(@changes - 1)), "seed #{seed}"

      for {_key, ids} <- Enum.group_by(handled, &rem(&1, @keys)) do
        assert Enum.uniq(ids) == Enum.sort(Enum.uniq(ids)), "seed #{seed}"
        last = ids |> Enum.reverse() |> Enum.uniq() |> Enum.reverse()
        assert last == Enum.sort(last), "seed #{seed}"
      end
    end
  end

  test "a worker that joins moves nothing between the others" do
    relay = Enum.reduce(1..3, Relay.new([]), &join(&2, &1))
    before = owners(relay)
    now = relay |> join(4) |> owners()
    moved = for {a, b} <- Enum.zip(before, now), a != b, do: b
    assert length(moved) in 80..180
    assert [_fourth] = Enum.uniq(moved)
  end

  defp join(relay, n) do
    ref = make_ref()
    about = %{node: :"n#{n}", index: 0, window: 1}
    relay |> Relay.welcome(spawn(fn -> :ok end), ref) |> Relay.ready(ref, about)
  end

  defp owners(relay), do: Tuple.to_list(relay.owners)

  test "a busy worker is sent full messages, an idle one what there is" do
    ref = make_ref()
    about = %{node: :n, index: 0, window: 500}
    relay = [] |> Relay.new() |> Relay.welcome(self(), ref) |> Relay.ready(ref, about)
    assert {[1], relay} = sent(relay, 1, ref)
    assert {[], relay} = sent(relay, 199, ref)
    assert Relay.hungry?(relay)
    assert {[200], relay} = sent(relay, 1, ref)
    assert {[], relay} = sent(relay, 50, ref)
    {_items, relay} = Relay.done(relay, ref, 201)
    assert {[50], relay} = sent(relay, 0, ref)
    assert {[200, 200], relay} = sent(relay, 470, ref)
    refute Relay.hungry?(relay)
    {_items, relay} = Relay.done(relay, ref, 450)
    assert {[70], relay} = sent(relay, 0, ref)
    assert Relay.hungry?(relay)
  end

  # The sizes of the messages when so many more are there.
  defp sent(relay, more, ref) do
    relay = Relay.put(relay, for(n <- 1..more//1, do: {:x, n}), fn :x -> 1 end)
    test = self()

    relay =
      Relay.flush(relay, fn _, ^ref, data -> is_tuple(send(test, {:size, length(data)})) end)

    {sizes(), relay}
  end

  defp sizes do
    receive do
      {:size, size} -> [size | sizes()]
    after
      0 -> []
    end
  end

  test "nobody is sent anything before all have answered or are gone" do
    [a, b] = for _ <- 1..2, do: {spawn(fn -> :ok end), make_ref()}
    relay = Relay.new([a, b])
    relay = Relay.ready(relay, elem(a, 1), %{node: :a, index: 0, window: 9})
    refute Relay.hungry?(relay)
    relay = Relay.put(relay, [{:x, 0}], fn :x -> 1 end)
    Relay.flush(relay, fn _, _, _ -> flunk("sent") end)
    {0, relay} = Relay.gone(relay, elem(b, 0))
    relay = Relay.flush(relay, fn _pid, _ref, [:x] -> true end)
    assert Relay.in_flight(relay) == 1
  end
end
