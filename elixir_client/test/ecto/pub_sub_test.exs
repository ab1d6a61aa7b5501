if Code.ensure_loaded?(Phoenix.PubSub) do
  defmodule PgEtf.PhoenixPubSubTest do
    use ExUnit.Case, async: true

    import PgEtf.Testing

    alias PgEtf.PubSub

    test "subscribers of a table and of a row" do
      {:ok, _} = Application.ensure_all_started(:phoenix_pubsub)
      start_supervised!({Phoenix.PubSub, name: __MODULE__})
      opts = [pubsub: __MODULE__, connection: [], slot: "s", testing: :manual]
      pubsub = start_supervised!({PubSub, opts})
      :ok = PubSub.subscribe(__MODULE__, "orders", 2)
      deliver(pubsub, [insert("orders", %{"id" => 1}), insert("orders", %{"id" => 2})])
      assert_change(table: "orders", record: %{"id" => 2})
      refute_change([table: "orders"], 1)
      :ok = PubSub.subscribe(__MODULE__, "orders")
      deliver(pubsub, insert("orders", %{"id" => 3}))
      assert_change(record: %{"id" => 3})
    end
  end
end
