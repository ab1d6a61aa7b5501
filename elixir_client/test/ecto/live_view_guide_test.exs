# The guide "LiveView", with the functions of LiveView that its page calls, over a map.
if Code.ensure_loaded?(Phoenix.PubSub) and Code.ensure_loaded?(Ecto.Schema) do
  defmodule PgEtf.LiveViewGuideTest do
    use ExUnit.Case, async: false

    import PgEtf.Testing

    @guide "guides/live-view.md"

    defmodule LiveView do
      def connected?(_socket), do: true

      def stream(socket, name, items, opts \\ []) do
        socket = if opts[:reset], do: %{}, else: socket
        Enum.reduce(items, socket, &stream_insert(&2, name, &1))
      end

      def stream_insert(socket, name, item), do: Map.put(socket, "#{name}-#{item.id}", item)
      def stream_delete_by_dom_id(socket, :orders, id), do: Map.delete(socket, id)

      defmacro sigil_H({:<<>>, _, [text]}, []), do: quote(do: {var!(assigns), unquote(text)})
    end

    # What the guide takes from the application.
    @application """
    defmodule MyApp.Order do
      use Ecto.Schema
      schema "orders", do: field(:state, :string)
    end

    defmodule MyApp.Repo do
      use Agent
      def start_link(_), do: Agent.start_link(fn -> [] end)
      def config, do: []
      def all(MyApp.Order), do: [%MyApp.Order{id: 1, state: "new"}]
    end

    defmodule MyAppWeb.Endpoint do
      use Agent
      def start_link(_), do: Agent.start_link(fn -> [] end)
    end

    defmodule MyAppWeb do
      defmacro __using__(:live_view), do: quote(do: import(PgEtf.LiveViewGuideTest.LiveView))
    end
    """

    setup_all do
      {:ok, _} = Application.ensure_all_started(:phoenix_pubsub)
      Code.eval_string(@application)
      text = File.read!(@guide)
      code = Regex.scan(~r/^```elixir\n(.*?)^```/ms, text, capture: :all_but_first)
      [[children], [_config], [page]] = code
      Code.eval_string(page, [], file: @guide)
      %{children: children}
    end

    # As config/test.exs in the guide says.
    setup %{children: children} do
      testing = Application.get_env(:pg_etf, :testing)
      Application.put_env(:pg_etf, :testing, :manual)
      on_exit(fn -> Application.put_env(:pg_etf, :testing, testing || :disabled) end)
      {children, _} = Code.eval_string(children)
      for child <- children, do: start_supervised!(child)
      {:ok, socket} = page().mount(%{}, %{}, %{})
      %{socket: socket}
    end

    # It is there at run time only.
    defp page, do: Module.concat(["MyAppWeb.OrdersLive"])
    defp order(id, state), do: struct(Module.concat(["MyApp.Order"]), id: id, state: state)

    defp follow(socket, change) do
      :ok = deliver(PgEtf.PubSub, change)
      assert_receive {:pg_etf, _} = message
      {:noreply, socket} = page().handle_info(message, socket)
      socket
    end

    defp shown(socket), do: for({id, order} <- socket, do: {id, order.state})

    test "the page has the rows of the table", %{socket: socket} do
      assert shown(socket) == [{"orders-1", "new"}]
      socket = follow(socket, insert(order(2, "new")))
      socket = follow(socket, update(order(1, "new"), order(1, "paid")))
      assert shown(socket) == [{"orders-1", "paid"}, {"orders-2", "new"}]
      socket = follow(socket, update(order(2, "new"), order(3, "new")))
      assert shown(socket) == [{"orders-1", "paid"}, {"orders-3", "new"}]
      socket = follow(socket, delete(order(1, "paid")))
      assert shown(socket) == [{"orders-3", "new"}]
      assert socket |> follow(truncate("orders")) |> shown() == []
      assert {%{}, _} = page().render(%{})
    end
  end
end
