defmodule PgEtf.Integration.QueriesGuideTest do
  # The guide's own code: a handler that asks the database, through a pool.
  use PgEtf.Integration, async: true

  @guide "guides/queries-beside-the-stream.md"
  @poolboy Code.ensure_loaded?(:poolboy) and Code.ensure_loaded?(:pgsql_proto)
  unless @poolboy, do: IO.puts("Without poolboy and p1_pgsql: no pool is tested in Erlang")

  defmodule Mail do
    def confirm(order, email), do: send(:mail, {order["id"], email})
  end

  setup_all %{sandbox: sandbox} do
    Sandbox.psql!(sandbox, """
    CREATE TABLE customers (id int PRIMARY KEY, email text);
    CREATE TABLE orders (id int PRIMARY KEY, customer int);
    INSERT INTO customers VALUES (1, 'a@example.com'), (2, 'b@example.com');
    """)

    %{connection: Sandbox.connection(sandbox)}
  end

  defp blocks(language) do
    ~r/```#{language}\n(.*?)```/s
    |> Regex.scan(File.read!(@guide), capture: :all_but_first)
    |> List.flatten()
  end

  defp order(sandbox, id) do
    Sandbox.psql!(sandbox, "INSERT INTO orders VALUES (#{id}, 1), (#{id + 1}, 2)")
  end

  if Code.ensure_loaded?(Postgrex) do
    test "with Postgrex", %{sandbox: sandbox, connection: connection} do
      Process.register(self(), :mail)
      Code.eval_string("defmodule Shop.Mail do
        defdelegate confirm(order, email), to: #{inspect(Mail)}
      end")
      {:ok, _} = Application.ensure_all_started(:postgrex)
      create_slot(sandbox, "orders")
      [handler, children] = blocks("elixir")
      Code.eval_string(handler)
      {children, _} = Code.eval_string(children, connection: connection)
      for child <- children, do: start_supervised!(child)

      order(sandbox, 10)
      assert_receive {10, "a@example.com"}, 20_000
      assert_receive {11, "b@example.com"}, 20_000
      written = current(sandbox)
      eventually(fn -> confirmed(sandbox, "orders") >= written end)
      stop_supervised!(Module.concat(["Shop.Orders"]))
    end
  end

  if @poolboy do
    @tag :tmp_dir
    test "with poolboy", %{sandbox: sandbox, connection: connection, tmp_dir: dir} do
      for source <- blocks("erlang"), do: compile(source, dir)
      slot = name("queries")
      create_slot(sandbox, slot)
      # It knows TCP only.
      relay = start_supervised!({PgEtf.Relay, "#{connection[:socket_dir]}/.s.PGSQL.5432"})

      pool = [
        host: ~c"127.0.0.1",
        port: PgEtf.Relay.port(relay),
        user: connection[:username],
        password: "",
        database: connection[:database],
        as_binary: true
      ]

      {id, start, _, _, _, _} = apply(:shop_pool, :child_spec, [pool])
      start_supervised!(%{id: id, start: start})
      opts = [connection: connection, slot: slot]
      start_supervised!(:pg_etf.child_spec(:shop_orders, self(), opts))
      order(sandbox, 20)
      assert_receive {20, "a@example.com"}, 20_000
      assert_receive {21, "b@example.com"}, 20_000
    end

    defp compile(source, dir) do
      [_, module] = Regex.run(~r/-module\((\w+)\)/, source)
      path = Path.join(dir, module <> ".erl")
      File.write!(path, source)
      options = [:binary, :return_errors, :warnings_as_errors]
      {:ok, module, beam} = :compile.file(to_charlist(path), options)
      {:module, ^module} = :code.load_binary(module, to_charlist(path), beam)
    end
  end
end
