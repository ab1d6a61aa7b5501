# The least of Ecto that the guide's migration uses.
unless Code.ensure_loaded?(Ecto.Migration) do
  defmodule Ecto.Migration do
    defmacro __using__(_opts), do: quote(do: import(Ecto.Migration))
    def execute(sql), do: PgEtf.Repo.query!(sql)
  end
end

defmodule PgEtf.Integration.ExactlyOnceGuideTest do
  # The guide's own code, run: a sink that keeps its position with its rows.
  use PgEtf.Integration, async: true

  alias PgEtf.{Repo, Test}

  @guide "guides/exactly-once-with-ecto.md"

  setup_all %{sandbox: sandbox} do
    Sandbox.psql!(sandbox, "CREATE DATABASE sink OWNER sandbox", username: "postgres")
    [migration, sink, config, rows] = blocks("elixir")
    [shop: [{repo, settings}]] = Config.Reader.eval!(@guide, "import Config\n" <> config)

    sandbox
    |> Sandbox.connection()
    |> Keyword.merge([database: "sink"] ++ settings)
    |> Repo.start()

    Code.eval_string("""
    defmodule #{inspect(repo)} do
      defdelegate query(sql, params), to: PgEtf.Repo
      defdelegate query!(sql, params), to: PgEtf.Repo
      defdelegate transaction(fun), to: PgEtf.Repo
      defdelegate rollback(reason), to: PgEtf.Repo
    end
    """)

    for code <- [sink, migration, rows], do: Code.eval_string(code, [], file: @guide)
    %{connection: Sandbox.connection(sandbox)}
  end

  defp blocks(language) do
    ~r/```#{language}\n(.*?)```/s
    |> Regex.scan(File.read!(@guide), capture: :all_but_first)
    |> List.flatten()
  end

  # Defined above, so that the compiler does not know it.
  defp call(module, function, args), do: apply(Module.concat([module]), function, args)

  defp copied, do: Repo.query!("SELECT id, total FROM orders_copy ORDER BY id").rows

  defp stored do
    [[lsn, next]] = Repo.query!("SELECT lsn, next_index FROM pg_etf_positions").rows
    {lsn, next}
  end

  test "the sink", %{sandbox: sandbox, connection: connection} do
    Sandbox.psql!(sandbox, "CREATE TABLE orders (id int PRIMARY KEY, total int)")
    create_slot(sandbox, "sink")
    Repo.query!("CREATE TABLE orders_copy (id int, total int)")
    Repo.query!("SHOW idle_in_transaction_session_timeout") |> then(&assert &1.rows == [["10s"]])
    call("Sink.Migration", :up, [])

    Sandbox.psql!(sandbox, "INSERT INTO orders VALUES (1, 10), (2, 20)")
    child = call("Sink", :child_spec, [connection])
    consumer = start_supervised!(child)
    eventually(fn -> copied() == [[1, 10], [2, 20]] end)

    # Where nothing was to be read it goes on, too: stored first, then confirmed.
    Sandbox.psql!(sandbox, "CREATE TABLE other (id int)")
    now = current(sandbox)
    eventually(fn -> confirmed(sandbox, "sink") >= now end)
    assert elem(stored(), 0) >= now

    # A transaction in parts, and a consumer that is killed at any moment.
    Sandbox.psql!(sandbox, "INSERT INTO orders SELECT g, g FROM generate_series(3, 5000) g")
    eventually(fn -> length(copied()) > 2 end)
    Process.exit(consumer, :kill)
    eventually(fn -> length(copied()) >= 5_000 end, 60_000)
    assert copied() == for(id <- 1..5_000, do: [id, if(id < 3, do: id * 10, else: id)])
    stop_supervised!(child.id)

    # The data is copied again, and the slot with it.
    Sandbox.psql!(sandbox, "SELECT pg_drop_replication_slot('sink')")
    create_slot(sandbox, "sink")
    Sandbox.psql!(sandbox, "INSERT INTO orders VALUES (0, 0)")
    [reset] = blocks("sql")
    assert Repo.query!(reset).num_rows == 1
    start_supervised!(child)
    eventually(fn -> hd(copied()) == [0, 0] end)
    stop_supervised!(child.id)
    call("Sink.Migration", :down, [])
    assert {:error, %{code: "42P01"}} = Repo.query("SELECT 1 FROM pg_etf_positions")
  end

  test "the rows of a pipeline" do
    Repo.query!("""
    CREATE TABLE orders_seen (id int PRIMARY KEY, total int, deleted boolean, commit_lsn bigint,
                              index bigint)
    """)

    first = Test.insert("orders", %{"id" => 1, "total" => 10}, commit_lsn: 100)
    second = Test.update("orders", nil, %{"id" => 1, "total" => 20}, commit_lsn: 100, index: 1)
    gone = Test.delete("orders", %{"id" => 1}, commit_lsn: 200)

    rows = fn changes ->
      for change <- changes, do: call("Sink.Rows", :upsert, [change])
      Repo.query!("SELECT total, deleted FROM orders_seen").rows
    end

    assert rows.([first, second, first]) == [[20, "f"]]
    assert rows.([gone, first, second]) == [[nil, "t"]]
  end
end
