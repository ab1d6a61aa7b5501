defmodule PgEtf.Integration.GuidesTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO
  import PgEtf.Eventually
  import PgEtf.Integration

  alias PgEtf.{Client, Options, Sandbox, Test}

  @moduletag :integration
  # It starts a server; the machine may be busy.
  @moduletag timeout: 300_000

  test "all code in guides and READMEs is code" do
    files = ["README.md", "../README.md" | Path.wildcard("guides/*.{md,livemd,cheatmd}")]

    blocks =
      for file <- files,
          code <- file |> File.read!() |> blocks("elixir"),
          do: Code.string_to_quoted!(code, file: file)

    assert length(blocks) > 10
  end

  test "from PostgrexWal: the head of a handler" do
    [heads] = "guides/from-postgrex-wal.md" |> File.read!() |> blocks("elixir")
    [_before, head] = String.split(heads, "# after\n")
    body = "do\n {row, message}\nend"
    Code.eval_string("defmodule PgEtf.GuidesTest.Moved do\n#{String.trim(head)} #{body}\nend")
    message = %{data: Test.insert("orders", %{"id" => 7})}

    assert {%{"id" => 7}, ^message} =
             apply(PgEtf.GuidesTest.Moved, :handle_message, [:default, message, nil])
  end

  test "the cheatsheet: a consumer, and a look at it" do
    sheet = "guides/cheatsheet.cheatmd" |> File.read!() |> blocks("elixir")
    [consumer, _tree, _broadway, _plugin, _match, _sink, look] = sheet
    Code.eval_string(consumer)
    audit = Module.concat(["Shop.Audit"])
    start_supervised!({audit, connection: [], testing: :manual})
    assert {:ok, _bindings} = Code.eval_string(look)
    assert PgEtf.info(audit).status == :manual
  end

  test "in a cluster: every option is one" do
    [children, fanout, connection] = "guides/in-a-cluster.md" |> File.read!() |> blocks("elixir")

    {_, [connection: connection]} = Code.eval_string(connection)
    {[child], _} = Code.eval_string(children, connection: connection)
    assert %{start: {_, _, [_audit, :no_state, opts]}} = Supervisor.child_spec(child, [])

    {[child], _} = Code.eval_string(fanout, connection: connection)
    assert %{start: {PgEtf.Fanout, _, [_, :no_state, more]}} = Supervisor.child_spec(child, [])
    assert Keyword.keys(more) -- [:name] == Keyword.keys(opts)
    settings = opts |> Options.validate!() |> Client.Settings.start()

    assert %{"host" => "db1,db2", "target_session_attrs" => "read-write", "dbname" => "shop"} =
             settings.connection
  end

  def read(sandbox) do
    written = current(sandbox)
    eventually(fn -> confirmed(sandbox, "notebook") >= written end)
  end

  test "the notebook runs" do
    cells = "guides/first-steps.livemd" |> File.read!() |> blocks("elixir")

    # The first cell gets the library from the checkout, which is here already.
    ["# A checkout" <> _ | cells] = cells

    code = Enum.join(cells, "\n")
    # A reader's second may be too short for a busy machine.
    assert code =~ "Process.sleep(1_000)"
    code = String.replace(code, "Process.sleep(1_000)", "#{inspect(__MODULE__)}.read(sandbox)")
    output = capture_io(fn -> Code.eval_string(code, [], __ENV__) end)

    assert output =~ "with 2 changes"
    assert output =~ ~s({:insert, %{"id" => 1})
    assert output =~ ~s({:delete, %{"id" => 1}, nil})
  end

  test "from WalEx, step by step" do
    sandbox = start_supervised!({Sandbox, database: "shop"})
    guide = File.read!("guides/from-walex.md")
    [create, drop] = blocks(guide, "sql")
    [code, diff] = blocks(guide, "elixir")
    Process.register(self(), :guide)

    Sandbox.psql!(sandbox, """
    CREATE TABLE orders (id int PRIMARY KEY, total int);
    ALTER TABLE orders REPLICA IDENTITY FULL;
    CREATE PUBLICATION events FOR TABLE orders;
    SELECT pg_create_logical_replication_slot('walex', 'pgoutput');
    """)

    Sandbox.psql!(sandbox, create)
    Sandbox.psql!(sandbox, "INSERT INTO orders VALUES (1, 10)")
    [_before, later] = String.split(code, "# after\n")
    {child, _} = later |> String.replace("notify(", "send(:guide, ") |> Code.eval_string()
    {PgEtf.Consumer, {module, arg, opts}} = child
    opts = Keyword.put(opts, :connection, Sandbox.connection(sandbox))
    start_supervised!({PgEtf.Consumer, {module, arg, opts}})
    assert_receive %{"id" => 1, "total" => 10}, 30_000

    Sandbox.psql!(sandbox, drop)
    assert Sandbox.psql!(sandbox, "SELECT slot_name FROM pg_replication_slots") == "shop_events\n"
    assert Sandbox.psql!(sandbox, "SELECT pubname FROM pg_publication") == ""

    Code.eval_string(diff)
    row = &%{"id" => 1, "total" => &1}
    change = PgEtf.Test.update("orders", row.(10), row.(20), old_record: row.(10))
    changes = apply(Module.concat(["Shop.Diff"]), :changes, [change])
    assert changes == %{"total" => %{old_value: 10, new_value: 20}}
    # Without it only the key is known, if that has changed.
    moved = PgEtf.Test.update("orders", %{"id" => 1}, %{"id" => 2, "total" => 10})
    changes = apply(Module.concat(["Shop.Diff"]), :changes, [moved])
    assert changes == %{"id" => %{old_value: 1, new_value: 2}}
  end

  defp blocks(text, language) do
    ~r/^ *```#{language}\n(.*?)^ *```/ms
    |> Regex.scan(text, capture: :all_but_first)
    |> List.flatten()
  end
end
