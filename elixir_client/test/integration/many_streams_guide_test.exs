defmodule PgEtf.Integration.ManyStreamsGuideTest do
  # The guide "Many streams", with a server.
  use PgEtf.Integration, async: true

  defmodule Copy do
    # Tells what it gets, and who.
    @behaviour PgEtf.Consumer

    @impl true
    def handle_changes(changes, who) do
      for change <- changes,
          do: send(:many_streams, {who, change.op, change.table, change.record})

      {:ok, who}
    end
  end

  @guide File.read!("guides/many-streams.md")

  defp blocks do
    ~r/^```elixir\n(.*?)^```/ms
    |> Regex.scan(String.replace(@guide, "Shop.Copy", inspect(Copy)), capture: :all_but_first)
    |> List.flatten()
  end

  defp create(sandbox, table) do
    Sandbox.psql!(sandbox, "CREATE TABLE #{table} (id int PRIMARY KEY)")
  end

  defp insert(sandbox, table, id),
    do: Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (#{id})")

  setup do
    Process.register(self(), :many_streams)
    :ok
  end

  test "several slots, and other tables for one of them", %{sandbox: sandbox} do
    create_extension(sandbox)
    [children, _feeds, update, _everywhere] = blocks()
    for table <- ["orders", "items", "invoices"], do: create(sandbox, table)
    for slot <- ["orders", "items"], do: create_slot(sandbox, slot)
    connection = Sandbox.connection(sandbox)
    {children, _} = Code.eval_string(children, connection: connection)
    for child <- children, do: start_supervised!(child)

    insert(sandbox, "invoices", 1)
    insert(sandbox, "items", 2)
    insert(sandbox, "orders", 3)
    assert_receive {:orders, :insert, "orders", %{"id" => 3}}, 15_000
    assert_receive {:items, :insert, "items", %{"id" => 2}}, 15_000

    Code.eval_string(update)
    insert(sandbox, "invoices", 4)
    assert_receive {:orders, :insert, "invoices", %{"id" => 4}}, 15_000
    assert_receive {:orders, :read, "invoices", %{"id" => 1}}, 15_000
    refute_received {:orders, :insert, "orders", %{"id" => 3}}
  end

  test "streams that come and go", %{sandbox: sandbox} do
    [_children, feeds, _update, _everywhere] = blocks()
    for table <- ["a", "b", "c"], do: create(sandbox, table)
    [{module, _} | _] = Code.compile_string(feeds)
    opts = [connection: Sandbox.connection(sandbox), stored: fn -> [{1, ["public.a"]}] end]
    start_supervised!({module, opts})

    assert {:ok, pid} = module.add(2, ["public.b"], opts)
    for n <- 1..2, do: eventually(fn -> connected?(n) end)
    for table <- ["a", "b", "c"], do: insert(sandbox, table, 1)
    assert_receive {1, :insert, "a", _}, 15_000
    assert_receive {2, :insert, "b", _}, 15_000

    :ok = module.change(2, ["public.b", "public.c"])
    insert(sandbox, "c", 2)
    assert_receive {2, :insert, "c", %{"id" => 2}}, 15_000

    # A crash does not undo the change.
    Process.exit(pid, :kill)
    insert(sandbox, "c", 3)
    assert_receive {2, :insert, "c", %{"id" => 3}}, 15_000

    :ok = module.remove(2)
    Sandbox.psql!(sandbox, "SELECT pg_drop_replication_slot('feed_2')")
    insert(sandbox, "a", 2)
    assert_receive {1, :insert, "a", %{"id" => 2}}, 15_000
  end

  defp connected?(customer) do
    name = {:via, Registry, {Shop.Feeds.Registry, customer}}
    match?(%{status: :connected}, PgEtf.info(name))
  rescue
    ArgumentError -> false
  end
end
