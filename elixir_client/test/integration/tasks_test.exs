defmodule PgEtf.Integration.TasksTest do
  # What the tasks of Mix print and generate: the code compiles, passes its own test, and
  # handles what a server commits.
  use PgEtf.Integration, async: false

  import ExUnit.CaptureIO
  import ExUnit.CaptureLog

  @moduletag :tmp_dir

  setup do
    shell = Mix.shell()
    Mix.shell(Mix.Shell.Process)
    on_exit(fn -> Mix.shell(shell) end)
  end

  defp connection(sandbox) do
    connection = Sandbox.connection(sandbox)

    ["--hostname", connection[:socket_dir], "--username", connection[:username]] ++
      ["--database", connection[:database]]
  end

  test "status shows the slots, or one", %{sandbox: sandbox} do
    {_table, slot} = prepare(sandbox, "id int PRIMARY KEY")
    other = name("other")
    create_slot(sandbox, other)

    Mix.Tasks.PgEtf.Status.run(connection(sandbox))
    assert_received {:mix_shell, :info, [text]}
    assert text =~ slot and text =~ other

    Mix.Tasks.PgEtf.Status.run(connection(sandbox) ++ ["--slot", slot, "--format", "json"])
    assert_received {:mix_shell, :info, ["{" <> _ = json]}
    assert json =~ slot
    refute json =~ other
  end

  test "status says what is wrong", %{sandbox: sandbox} do
    for {args, reason} <- [
          {["--hostname", "/nowhere"], ~r/No such file or directory/},
          {connection(sandbox) ++ ["--format", "xml"], ~r/--status must be table/},
          {connection(sandbox) ++ ["--slot", "missing"], ~r/missing/}
        ] do
      assert_raise Mix.Error, reason, fn -> Mix.Tasks.PgEtf.Status.run(args) end
    end
  end

  test "a consumer is generated, tested, and runs", context do
    {table, slot} = prepare(context.sandbox, "id int PRIMARY KEY")
    generate(Mix.Tasks.PgEtf.Gen.Consumer, "Made.Audit", slot, table, context)
    runs(Made.Audit, table, slot, context)
  end

  if Code.ensure_loaded?(Broadway) do
    test "a pipeline is generated, tested, and runs", context do
      {table, slot} = prepare(context.sandbox, "id int PRIMARY KEY")
      generate(Mix.Tasks.PgEtf.Gen.Pipeline, "Made.Feed", slot, table, context)
      runs(Made.Feed, table, slot, context)
    end
  end

  test "what is generated is told where the database is", context do
    File.cd!(context.tmp_dir, fn ->
      for {repos, connection, switch} <- [
            {[], ~s([hostname: "localhost", database: "shop"), "--hostname localhost"},
            {[Made.Repo], "Made.Repo}", "--repo Made.Repo --slot"}
          ] do
        Application.put_env(:pg_etf, :ecto_repos, repos)
        Mix.Tasks.PgEtf.Gen.Consumer.run(["Made.Told#{length(repos)}"])
        assert_received {:mix_shell, :info, ["\nAdd it" <> text]}
        assert text =~ "connection: #{connection}"
        assert text =~ "mix pg_etf.doctor #{switch}"
      end
    end)
  after
    Application.delete_env(:pg_etf, :ecto_repos)
  end

  test "names are asked for, and have to be ones", context do
    File.cd!(context.tmp_dir, fn ->
      for {args, reason} <- [
            {[], ~r/expected the name/},
            {["made"], ~r/names no module/},
            {["Made", "--slot", "A-B"], ~r/names no slot/},
            {["Made", "--tables", "public.a, b"], ~r/"b" names no table/}
          ] do
        assert_raise Mix.Error, reason, fn -> Mix.Tasks.PgEtf.Gen.Consumer.run(args) end
      end

      assert File.ls!(".") == []
    end)
  end

  unless Code.ensure_loaded?(Igniter) do
    test "what installs says what to do without Igniter" do
      assert_raise Mix.Error, ~r/mix igniter.install pg_etf.*mix pg_etf.gen.consumer/s, fn ->
        Mix.Tasks.PgEtf.Install.run(["--pipeline"])
      end
    end
  end

  # ExUnit is busy with this test, and takes no other module: what the generated one tests
  # becomes a function.
  defp generate(task, module, slot, table, %{tmp_dir: dir}) do
    path = Macro.underscore(module)

    File.cd!(dir, fn ->
      task.run([module, "--slot", slot, "--tables", "public.#{table}"])
      assert capture_io(:stderr, fn -> Code.compile_file("lib/#{path}.ex") end) == ""
      # The application runs it, too.
      child = {Module.concat([module]), connection: [], testing: :manual}
      start_supervised!(child, id: :of_application)
      assert PgEtf.info(Module.concat([module])).slot == slot
      assert capture_log(fn -> run_test(File.read!("test/#{path}_test.exs")) end) =~ "delete"
    end)
  end

  defp run_test(code) do
    code =
      code
      |> String.replace(
        ~r/use ExUnit.Case.*/,
        "import ExUnit.Assertions; import ExUnit.Callbacks"
      )
      |> String.replace(~r/test "changes are handled" do/, "def run do")

    [{module, _}] = Code.compile_string(code)
    module.run()

    for {id, _, _, _} <- ExUnit.fetch_test_supervisor() |> elem(1) |> Supervisor.which_children(),
        id != Sandbox,
        do: stop_supervised!(id)
  end

  defp runs(module, table, slot, %{sandbox: sandbox}) do
    Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (4711)")

    log =
      capture_log(fn ->
        start_supervised!({module, connection: Sandbox.connection(sandbox)})
        eventually(fn -> confirmed(sandbox, slot) >= current(sandbox) end)
        stop_supervised!(module)
      end)

    assert log =~ ~r/insert of #{table}.*4711/
  end
end
