defmodule PgEtf.OutboxTest do
  use ExUnit.Case, async: true

  alias PgEtf.{Options, Outbox, Testing}
  alias PgEtf.Client.PluginOptions
  alias PgEtf.Outbox.{Codec, Event, Reader}

  defmodule Orders do
    use Outbox, slot: "outbox", connection: [], testing: :manual

    @impl true
    def handle_event(%Event{payload: :later}, test), do: {:noack, test}
    def handle_event(event, test), do: {:ok, send(test, event) && test}
  end

  @headers [{"traceparent", "00-1-2-01"}]

  test "an event is written by a statement, and read as it was" do
    test = self()

    query = fn sql, params ->
      send(test, {sql, params})
      {:ok, :result}
    end

    assert Outbox.emit(query, "placed", %{id: 1, at: ~D[2026-01-01]}, headers: @headers) == :ok
    assert_received {"SELECT pg_logical_emit_message(true" <> _, ["outbox:placed", content]}
    change = Testing.logical_message("outbox:placed", content)
    assert {:ok, event} = Outbox.event(change)
    assert %{topic: "placed", payload: %{id: 1, at: ~D[2026-01-01]}, headers: @headers} = event
    assert event.id == PgEtf.message_id(change)
    assert Testing.event("placed", 1).prefix == "outbox:placed"

    assert_raise RuntimeError, ~r/not written: :down/, fn ->
      Outbox.emit(fn _, _ -> {:error, :down} end, "t", 1)
    end

    assert_raise ArgumentError, fn -> Outbox.emit(query, "t", 1, header: []) end
  end

  test "a trace is put where there is one" do
    query = fn _sql, params -> {:ok, send(self(), params)} end
    assert Outbox.put_trace(query, [{"tracestate", "x"} | @headers]) == :ok
    assert_received ["traceparent", "00-1-2-01"]
    assert Outbox.put_trace(query, []) == :ok
    refute_received _
  end

  test "what anybody may have written makes nothing, runs nothing and is no event" do
    unknown = <<131, 104, 3, 97, 1, 106, 119, 9, "no_atom_x">>
    compressed = :erlang.term_to_binary({1, [], String.duplicate("a", 9_999)}, [:compressed])
    assert <<131, ?P, _::binary>> = compressed

    for content <- [
          "",
          "text",
          unknown,
          compressed,
          Codec.encode(&String.upcase/1, []),
          Codec.encode(%{a: [1 | &String.upcase/1]}, []),
          Codec.encode(1, [{"a", 1}]),
          :erlang.term_to_binary({2, [], 1}),
          {:oversized, 9}
        ] do
      assert {:error, reason} = Codec.decode(content)
      assert is_binary(reason)
      change = Testing.logical_message("outbox:t", content)
      assert {:error, ^reason} = Outbox.event(change)
      assert {:error, ^reason, :state} = Reader.handle(Orders, [change], :state)
    end

    assert Outbox.event(Testing.insert("t", %{})) == :error
    assert Outbox.event(Testing.logical_message("other", "")) == :error
  end

  test "a consumer handles one event at a time" do
    outbox = start_supervised!({Orders, arg: self(), topics: ["a", "b.*"]})
    assert Testing.deliver(outbox, Testing.event("a", 1, headers: @headers)) == :ok
    assert_received %Event{topic: "a", payload: 1, headers: @headers, commit_lsn: lsn}
    assert is_integer(lsn)
    assert Testing.deliver(outbox, Testing.event("a", :later)) == :noack

    assert {:error, "not" <> _} =
             Testing.deliver(outbox, Testing.logical_message("outbox:a", "x"))
  end

  test "it reads its topics and no table" do
    opts = Reader.options([connection: [], slot: "s", topics: ["a", "b.*"]], topics: ["c"])
    {[batch_size: 1], opts} = Keyword.split(opts, [:batch_size])
    options = opts |> Options.validate!() |> PluginOptions.options()
    assert %{"message_prefixes" => "outbox:a,outbox:b.*", "exclude_tables" => "*.*"} = options
    assert Orders.child_spec([]).id == Orders
  end

  defmodule Some do
    use Outbox, slot: "outbox", connection: [], testing: :manual, topics: ["a"]

    @impl true
    def handle_event(_event, state), do: {:ok, state}
  end

  test "topics are given to use, or at the start" do
    start_supervised!({Some, []})
    start_supervised!({Some, id: :other, topics: ["b"]})
    assert Reader.options([], topics: ["a"])[:messages] == ["outbox:a"]
    assert Reader.options([], [])[:messages] == ["outbox:*"]
  end

  test "what it would not use is refused" do
    for option <- [tables: ["public.t"], messages: true, batch_size: 10, into: %{}] do
      assert_raise ArgumentError, ~r/is not for an outbox/, fn -> Some.start_link([option]) end
    end

    for topics <- ["a", [], [:a]] do
      assert_raise ArgumentError, ~r/list of texts/, fn -> Some.start_link(topics: topics) end
    end
  end
end
