defmodule PgEtf.TraceTest do
  use ExUnit.Case, async: true

  alias PgEtf.{Frame, Options, Trace}
  alias PgEtf.Client.PluginOptions
  alias PgEtf.Stream.Inbox

  @trace "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
  @headers [{"traceparent", @trace}]
  @relation {:relation, 1, "public", "t", :default, [{"id", 20, "int8", -1, [:key]}]}
  @message {:message, "traceparent", @trace}

  defp frame(n, events, part \\ :whole, first \\ 0) do
    count = Enum.count(events, &(elem(&1, 0) != :relation))
    {:tx, part, {n, n * 10, n * 10 + 5, 0}, first, count, %{}, events}
  end

  defp decode(decoder, frame, from \\ 0) do
    {:ok, frame, decoder} = Frame.decode(decoder, frame, from)
    {frame, decoder}
  end

  defp headers(frame), do: Enum.map(frame.changes, & &1.headers)
  defp decoder(opts \\ [traceparent: true]), do: Frame.decoder(opts)

  test "only the value of such a header is one" do
    assert Trace.parse(@trace) == @headers

    for other <- ["", @trace <> "\n", @trace <> "x", String.upcase(@trace), {:oversized, 9}] do
      assert Trace.parse(other) == []
    end
  end

  test "changes behind the message have it, to the end of their transaction" do
    events = [@relation, {:insert, 1, {1}}, @message, {:insert, 1, {2}}]
    {first, decoder} = decode(decoder(), frame(1, events, :first))
    assert headers(first) == [[], @headers]
    assert Enum.map(first.changes, & &1.index) == [0, 2]
    {last, decoder} = decode(decoder, frame(1, [{:insert, 1, {3}}], :last, 3))
    assert headers(last) == [@headers]
    {next, _} = decode(decoder, frame(2, [{:insert, 1, {4}}]))
    assert headers(next) == [[]]
  end

  test "what is seen is still about what follows" do
    {frame, _} = decode(decoder(), frame(1, [@message, @relation, {:insert, 1, {1}}]), 1)
    assert headers(frame) == [@headers]
  end

  test "it is a message like any other where nobody asks for traces" do
    {frame, _} = decode(decoder([]), frame(1, [@message]))
    assert [%{op: :message, headers: []}] = frame.changes
  end

  test "messages and transactions have it, and there is none about nothing" do
    defaults = [connection: [], slot: "s", traceparent: true]
    inbox = &Inbox.new(Options.validate!(defaults ++ [unit: &1]))
    frames = [frame(1, [@message, @relation, {:insert, 1, {1}}]), frame(2, [@message])]

    for unit <- [:change, :transaction] do
      {:ok, inbox, 3} = Inbox.put(inbox.(unit), frames, 100)
      assert {[{data, seq}], inbox} = Inbox.take(inbox, 9)
      assert data.headers == @headers
      assert PgEtf.Test.metadata(data).headers == @headers
      assert inbox |> Inbox.ack([seq]) |> Inbox.flushed() == 25
    end
  end

  test "the plugin is asked for it, beside what else is asked for" do
    for {messages, asked} <- [
          {false, "traceparent"},
          {["a"], "a,traceparent"},
          {true, nil}
        ] do
      opts = [connection: [], slot: "s", traceparent: true, messages: messages]
      options = opts |> Options.validate!() |> PluginOptions.options()
      assert {options["messages"], options["message_prefixes"]} == {"on", asked}
    end
  end
end
