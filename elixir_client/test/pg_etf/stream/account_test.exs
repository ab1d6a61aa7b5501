defmodule PgEtf.AccountTest do
  # Both sides of the pipe keep one account: docs/port.md, "Credit".
  use PgEtf.StreamCase, async: true

  import ExUnit.CaptureLog

  alias PgEtf.{FakeSlot, Gen, Options, Stage}
  alias PgEtf.Stream.Inbox

  @prefetch 30
  @window 2_000

  ## Against a model of the client

  # Frames of all sizes, any number of them in a packet, transactions cut anywhere and
  # begun again, grants that are lost, late or doubled.
  test "both accounts are the same, whatever comes in whatever pieces" do
    frame = Gen.fixed_list([Gen.constant(:frame), Gen.integer(0..12), Gen.integer(1..300)])
    open = Gen.map(frame, &(&1 ++ [false]))
    last = Gen.map(frame, &(&1 ++ [true]))
    take = Gen.fixed_list([Gen.constant(:take), Gen.integer(0..30)])
    ack = Gen.fixed_list([Gen.constant(:ack), Gen.integer(0..30)])
    words = for word <- [:close, :rewind, :lost, :late, :twice, :arrives], do: [word]
    step = Gen.one_of([open, last, last, take, ack | Enum.map(words, &Gen.constant/1)])

    Gen.run(Gen.list(step, 1..120), 300, fn steps ->
      steps |> Enum.reduce(model(), &step/2) |> settle()
    end)
  end

  # first: of the next frame in its transaction; batch: frames that leave together, the
  # last first; late: a grant that is still on its way.
  defp model do
    opts = [connection: [], slot: "s", prefetch: @prefetch, window_bytes: @window]

    %{
      inbox: Inbox.new(Options.validate!(opts)),
      granted: {@prefetch, @window},
      sent: {0, 0},
      tx: 1,
      first: 0,
      batch: [],
      late: nil,
      open: []
    }
  end

  defp step([:frame, rows, size, last?], state) do
    if rows == 0 or left?(state), do: send_frame(state, rows, size, last?), else: state
  end

  defp step([:close], %{batch: []} = state), do: state

  defp step([:close], %{batch: batch} = state) do
    frames = Enum.reverse(batch)
    bytes = frames |> :erlang.term_to_binary() |> byte_size()
    {:ok, inbox, _} = Inbox.put(state.inbox, frames, bytes)
    assert inbox.received == state.sent
    %{state | inbox: inbox, batch: []}
  end

  defp step([:rewind], state), do: %{step([:close], state) | first: 0}

  defp step([:take, demand], state) do
    {items, inbox} = Inbox.take(state.inbox, demand)
    %{state | inbox: inbox, open: state.open ++ Enum.map(items, &elem(&1, 1))}
  end

  defp step([:ack, count], state) do
    {acked, open} = state.open |> Enum.shuffle() |> Enum.split(count)
    %{state | inbox: Inbox.ack(state.inbox, acked), open: open}
  end

  defp step([fate], state) do
    total = Inbox.due(state.inbox) || state.inbox.granted
    state = %{state | inbox: Inbox.grant(state.inbox, total)}

    case fate do
      :lost -> state
      :late -> %{state | late: total}
      _ -> state |> granted(total) |> granted(state.late || total)
    end
  end

  defp left?(%{granted: {events, bytes}, sent: {sent, sent_bytes}}) do
    sent < events and sent_bytes < bytes
  end

  defp granted(%{granted: {events, bytes}} = state, {more, more_bytes}) do
    %{state | granted: {max(events, more), max(bytes, more_bytes)}}
  end

  defp send_frame(%{sent: {events, bytes}, first: first} = state, rows, size, last?) do
    frame = frame(state.tx, part(first == 0, last?), first, rows, size)
    cost = FakeSlot.cost(byte_size(:erlang.term_to_binary(frame)), state.batch == [])
    state = %{state | sent: {events + rows, bytes + cost}, batch: [frame | state.batch]}

    if last?,
      do: %{state | tx: state.tx + 1, first: 0},
      else: %{state | first: first + rows}
  end

  defp part(true, true), do: :whole
  defp part(true, false), do: :first
  defp part(false, true), do: :last
  defp part(false, false), do: :middle

  defp frame(tx, part, first, rows, size) do
    relation = {:relation, 1, "public", "t", :nothing, [{"x", 25, "text", -1, []}]}
    row = {:insert, 1, {String.duplicate("x", size)}}

    {:tx, part, {tx, tx * 10, tx * 10 + 5, 0}, first, rows, %{},
     [relation | List.duplicate(row, rows)]}
  end

  # Who takes and acknowledges all may be sent more, and no more than a window.
  defp settle(state) do
    state = step([:close], state)
    state = Enum.reduce([[:take, 10_000], [:ack, 10_000], [:arrives]], state, &step/2)
    assert left?(state)
    gauges = Inbox.gauges(state.inbox)
    assert gauges.credit_events in 1..@prefetch
    assert gauges.credit_bytes in 1..@window
  end

  ## What a difference leads to

  for {what, wrong} <- [
        "bytes that were not sent": quote(do: fn {events, bytes} -> {events, bytes + 1} end),
        "bytes that are missing": quote(do: fn {events, bytes} -> {events, bytes - 1} end),
        "an event too many": quote(do: fn {events, bytes} -> {events + 1, bytes} end)
      ] do
    test "#{what} in the client's account: a new program, and the stream goes on" do
      slot = FakeSlot.start([3, 3])

      log =
        capture_log(fn ->
          stage = produce(slot, heartbeat: 20)
          messages = Stage.take(stage, 3)
          FakeSlot.miscount(slot, unquote(wrong))
          eventually(fn -> FakeSlot.runs(slot) == 2 end)
          eventually(fn -> PgEtf.info(stage).client != %{} end)
          PgEtf.ack(messages, [])
          assert [0, 1, 2, 3, 4, 5] = stage |> Stage.take(6) |> ids()
          assert PgEtf.info(stage).error.class == :protocol
          GenServer.stop(stage)
        end)

      assert log =~ ~r/protocol: pg_etf_client has sent \d+ events and \d+ bytes, but \d+/
      assert FakeSlot.breaches(slot) == []
    end
  end

  test "a client that believes in more credit than it has is replaced" do
    slot = FakeSlot.start([1])
    stage = produce(slot, heartbeat: 20)
    assert [0] = stage |> Stage.take(1) |> ids()
    FakeSlot.grant(slot, {1_000_000, 1_000_000_000})
    eventually(fn -> FakeSlot.runs(slot) == 2 end)
    GenServer.stop(stage)
  end

  test "a grant that is lost is sent again, and the log tells" do
    slot = FakeSlot.start(List.duplicate(1, 50))

    log =
      capture_log(fn ->
        stage = produce(slot, prefetch: 10, heartbeat: 50)
        messages = Stage.take(stage, 1)
        FakeSlot.lose_grants(slot, true)
        PgEtf.ack(messages, [])
        PgEtf.ack(Stage.take(stage, 9), [])
        eventually(fn -> PgEtf.info(stage).credit_events > 0 end)
        FakeSlot.lose_grants(slot, false)
        assert Enum.to_list(10..49) == stage |> Stage.take(40) |> ids()
        GenServer.stop(stage)
      end)

    assert log =~ "a grant of credit was lost and is sent again"
    assert FakeSlot.runs(slot) == 1
    assert FakeSlot.breaches(slot) == []
  end
end
