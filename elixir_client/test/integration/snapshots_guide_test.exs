defmodule PgEtf.Integration.SnapshotsGuideTest do
  # What docs/snapshots.md shows, run.
  use PgEtf.Integration, async: true

  alias PgEtf.{Backfill, Repo}

  @page "../docs/snapshots.md"

  defmodule Search do
    # An index that knows documents by their id.
    def start, do: :ets.new(__MODULE__, [:named_table, :public])
    def put(id, document), do: :ets.insert(__MODULE__, {id, document})
    def delete(id), do: :ets.delete(__MODULE__, id)
    def delete_all, do: :ets.delete_all_objects(__MODULE__)
    def totals, do: Map.new(:ets.tab2list(__MODULE__), fn {id, row} -> {id, row["total"]} end)

    def merge(id, part) do
      for {^id, row} <- :ets.lookup(__MODULE__, id), do: put(part["id"], Map.merge(row, part))
    end
  end

  # Dies behind the commit of a part, before it is acknowledged: one part of each of these kinds.
  defmodule CutOff do
    @behaviour PgEtf.Consumer

    @impl true
    def init({sink, deaths}) do
      {:ok, state} = sink.init(nil)
      {:ok, {sink, deaths, state}}
    end

    @impl true
    def checkpoint({sink, deaths, state}) do
      {lsn, state} = sink.checkpoint(state)
      {lsn, {sink, deaths, state}}
    end

    @impl true
    def handle_transaction(transaction, {sink, deaths, state}) do
      {:ok, state} = sink.handle_transaction(transaction, state)
      if transaction.backfill && dies?(deaths, transaction.part), do: Process.exit(self(), :kill)
      {:ok, {sink, deaths, state}}
    end

    defp dies?(deaths, part) do
      Agent.get_and_update(deaths, &{part in &1, List.delete(&1, part)})
    end

    @impl true
    def handle_position(lsn, {sink, deaths, state}) do
      {:ok, state} = sink.handle_position(lsn, state)
      {:ok, {sink, deaths, state}}
    end
  end

  defp documented(name) do
    [_, code] = Regex.run(~r/<!-- run: #{name} -->\n```\w+\n(.*?)^```/ms, File.read!(@page))
    code
  end

  defp eval(name, bindings \\ []) do
    name
    |> documented()
    |> String.replace("Shop.Search", inspect(Search))
    |> String.replace("Shop.Repo", inspect(Repo))
    |> Code.eval_string(bindings, file: @page)
  end

  setup_all %{sandbox: sandbox} do
    create_extension(sandbox)
    ["CREATE EXTENSION" <> _, grant] = "rights" |> documented() |> String.split("\n", trim: true)

    Sandbox.psql!(sandbox, "CREATE ROLE cdc LOGIN REPLICATION", username: "postgres")
    Sandbox.psql!(sandbox, "CREATE TABLE orders (id int PRIMARY KEY, total int)")
    Sandbox.psql!(sandbox, "INSERT INTO orders SELECT i, i FROM generate_series(1, 200) i")
    Sandbox.psql!(sandbox, grant)

    Sandbox.psql!(
      sandbox,
      "CREATE SCHEMA own; CREATE TABLE own.ledger (id int PRIMARY KEY, total int)"
    )

    %{connection: Keyword.put(Sandbox.connection(sandbox), :username, "cdc")}
  end

  test "first load, and a table again", %{sandbox: sandbox, connection: connection} do
    Search.start()
    eval("copy")
    {_, [children: [{PgEtf.Consumer, {module, nil, opts}}]]} = eval("children")
    opts = Keyword.put(opts, :connection, connection)
    start_supervised!({PgEtf.Consumer, {module, nil, opts}})
    orders = "SELECT count(*) FROM orders"
    there? = fn -> "#{map_size(Search.totals())}\n" == Sandbox.psql!(sandbox, orders) end
    eventually(there?, 60_000)

    Sandbox.psql!(
      sandbox,
      "UPDATE orders SET total = 1000 WHERE id = 1; DELETE FROM orders WHERE id = 2"
    )

    eventually(fn -> match?(%{1 => 1000}, Search.totals()) end)
    eventually(fn -> not is_map_key(Search.totals(), 2) end)

    # Somebody has broken the copy.
    for id <- 1..200, do: Search.put(id, %{"id" => id, "total" => 0})
    {_, [id: id]} = eval("again")

    eventually(
      fn ->
        Enum.any?(PgEtf.backfills(module), &match?(%Backfill{id: ^id, status: :finished}, &1))
      end,
      60_000
    )

    assert %{1 => 1000, 50 => 0, 101 => 101, 200 => 200} = Search.totals()
  end

  test "exactly once", %{sandbox: sandbox, connection: connection} do
    Repo.start(Keyword.put(Sandbox.connection(sandbox), :parameters, search_path: "own"))
    eval("ledger")
    {_, [children: [{PgEtf.Consumer, {module, nil, opts}}]]} = eval("ledger children")
    opts = options(sandbox, "ledger", opts)
    opts = Keyword.merge(opts, connection: connection, max_transaction_changes: 50)

    Sandbox.psql!(sandbox, """
    CREATE TABLE own.written (id int);
    CREATE FUNCTION own.note() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO own.written VALUES (NEW.id); RETURN NULL; END $$;
    CREATE TRIGGER note AFTER INSERT OR UPDATE ON own.ledger
    FOR EACH ROW EXECUTE FUNCTION own.note()
    """)

    {:ok, deaths} = Agent.start_link(fn -> [:first, :last] end)
    start_supervised!({PgEtf.Consumer, {CutOff, {module, deaths}, opts}})
    rows = &Sandbox.psql!(sandbox, "SELECT id, total FROM #{&1} ORDER BY id")
    eventually(fn -> rows.("own.ledger") == rows.("orders") end, 60_000)
    Sandbox.psql!(sandbox, "INSERT INTO orders VALUES (300, 7)")
    eventually(fn -> rows.("own.ledger") =~ "300|7" end, 60_000)
    assert rows.("own.ledger") == rows.("orders")
    Sandbox.psql!(sandbox, "UPDATE orders SET id = 301 WHERE id = 300")
    eventually(fn -> rows.("own.ledger") =~ "301|7" end, 60_000)
    assert rows.("own.ledger") == rows.("orders")

    # What was written and not acknowledged came again, in place of itself.
    assert Agent.get(deaths, & &1) == []
    again = "SELECT count(*) > count(DISTINCT id) FROM own.written"
    assert Sandbox.psql!(sandbox, again) == "t\n"
  end

  test "the command line", %{connection: connection} do
    {:ok, client} = PgEtf.Client.Port.find()

    ["pg_etf_client", "-d", "shop" | arguments] =
      "cli" |> documented() |> String.trim() |> OptionParser.split()

    env = [
      {"PGHOST", connection[:socket_dir]},
      {"PGUSER", "cdc"},
      {"PGDATABASE", connection[:database]}
    ]

    {output, 0} = System.cmd(client, arguments, env: env, stderr_to_stdout: false)
    assert output |> String.split("\n") |> Enum.count(&(&1 =~ ~s("op":"read"))) >= 199
  end
end
