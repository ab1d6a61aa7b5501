defmodule PgEtf.PubSubTest do
  use PgEtf.StreamCase, async: true

  doctest PgEtf.PubSub

  import PgEtf.Testing

  alias PgEtf.{FakeSlot, PubSub}

  # Says what it is told to broadcast.
  defmodule Adapter do
    def broadcast(test, topic, message), do: send(test, {topic, message}) && :ok
  end

  defp manual(more \\ []) do
    opts = [pubsub: self(), adapter: Adapter, connection: [], slot: "s", testing: :manual]
    start_supervised!({PubSub, Keyword.merge(opts, more)})
  end

  test "a change is told to its table and its row" do
    pubsub = manual()
    change = insert("orders", %{"id" => 1})
    assert deliver(pubsub, change) == :ok
    assert_received {"pg_etf:public.orders", {:pg_etf, ^change}}
    assert_received {"pg_etf:public.orders:1", {:pg_etf, ^change}}
    refute_received _
  end

  test "one that changes its key is told to both, and a truncate to all tables" do
    pubsub = manual()
    deliver(pubsub, update("t", %{"id" => 1}, %{"id" => 2}, schema: "s"))
    for topic <- ["s.t", "s.t:1", "s.t:2"], do: assert_received({"pg_etf:" <> ^topic, _})
    deliver(pubsub, [truncate(["a", "b"]), logical_message("p", "c")])
    for topic <- ["public.a", "public.b"], do: assert_received({"pg_etf:" <> ^topic, _})
    deliver(pubsub, insert("t", %{"x" => 1}))
    assert_received {"pg_etf:public.t", _}
    refute_received _
  end

  test "without rows, where nobody may see them" do
    pubsub = manual(payload: :key)
    deliver(pubsub, insert("t", %{"id" => 1, "secret" => 2}))
    assert_received {"pg_etf:public.t", {:pg_etf, %{record: nil, key: %{"id" => 1}}}}
  end

  test "values of keys are kept apart" do
    topics =
      for key <- [
            %{"a" => "1:2", "b" => "3"},
            %{"a" => "1", "b" => "2:3"},
            %{"a" => "1%3A2"},
            ":"
          ] do
        PubSub.topic("t", key)
      end

    assert topics == Enum.uniq(topics)
    assert PubSub.topic("t", %{b: 1, a: 2}) == PubSub.topic("t", %{"a" => 2, "b" => 1})
    assert PubSub.topic("t", {1, 2}) == "pg_etf:public.t:{1, 2}"
  end

  test "it reads a slot, and confirms what it has told" do
    slot = FakeSlot.start([2, 1])
    opts = opts(slot, pubsub: self(), adapter: Adapter, name: :fan_out)
    start_supervised!({PubSub, opts})

    for id <- 0..2,
        do: assert_receive({"pg_etf:public.t:" <> _, {:pg_etf, %{record: %{"id" => ^id}}}})

    eventually(fn -> done?(slot, 2) end)
    assert PgEtf.info(:fan_out).slot == slot
  end

  test "what cannot be is refused at the start" do
    for {wrong, text} <- [
          {[pubsub: nil], ":pubsub is missing"},
          {[payload: :all], ":payload to be :row or :key"},
          {[adapter: NoSuchModule], "NoSuchModule is not available"},
          {[topic: "x"], "unknown option :topic"}
        ] do
      opts = [pubsub: self(), adapter: Adapter, connection: [], slot: "s"]
      opts = Keyword.merge(opts, wrong)
      assert_raise ArgumentError, ~r/#{text}/, fn -> PubSub.start_link(opts) end
    end
  end
end
