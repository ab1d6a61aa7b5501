defmodule PgEtf.Integration.ExamplesTest do
  # The examples of the documentation do what they say. They connect as anybody would,
  # with what the environment says.
  use ExUnit.Case, async: false

  import ExUnit.CaptureIO
  import PgEtf.Eventually
  import PgEtf.Integration

  alias PgEtf.Sandbox

  @moduletag :integration
  @moduletag :capture_log
  @moduletag timeout: 180_000

  setup do
    Process.flag(:trap_exit, true)
    sandbox = start_supervised!({Sandbox, database: "shop"})
    connection = Sandbox.connection(sandbox)
    System.put_env(%{"PGHOST" => connection[:socket_dir], "PGUSER" => connection[:username]})

    on_exit(fn ->
      Enum.each(["PGHOST", "PGUSER"], &System.delete_env/1)

      for module <- [Audit, Feed] do
        :code.delete(module)
        :code.purge(module)
      end
    end)

    Sandbox.psql!(sandbox, "CREATE TABLE orders (id int PRIMARY KEY)")
    create_slot(sandbox, "audit")
    Sandbox.psql!(sandbox, "INSERT INTO orders VALUES (7)")
    %{sandbox: sandbox}
  end

  # The indented block of a moduledoc that begins so.
  defp example(module, first) do
    {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(module)
    [_, rest] = String.split(doc, "    " <> first, parts: 2)
    [code | _] = Regex.split(~r/^\S/m, rest)
    String.replace(first <> code, ~r/^    /m, "")
  end

  defp run_until(sandbox, start) do
    fn ->
      pid = start.()
      eventually(fn -> confirmed(sandbox, "audit") >= current(sandbox) end)
      GenServer.stop(pid)
    end
  end

  test "Consumer's in Erlang", %{sandbox: sandbox} do
    source = PgEtf.Consumer |> example("-module(audit).") |> String.to_charlist()
    path = Path.join(System.tmp_dir!(), "#{name("audit")}.erl")
    File.write!(path, source)
    on_exit(fn -> File.rm(path) end)
    assert {:ok, :audit, beam, []} = :compile.file(String.to_charlist(path), [:binary, :return])
    {:module, :audit} = :code.load_binary(:audit, String.to_charlist(path), beam)

    start = fn ->
      {:ok, pid} = apply(:audit, :start_link, [])
      pid
    end

    assert capture_io(run_until(sandbox, start)) =~ ~S(insert #{<<"id">> => 7})
  end

  test "Consumer's in Elixir, under a supervisor", %{sandbox: sandbox} do
    code = example(PgEtf.Consumer, "defmodule Audit do")
    start = fn -> code |> Code.eval_string() |> elem(0) |> elem(1) end
    assert capture_io(run_until(sandbox, start)) =~ ~s(record: %{"id" => 7})
  end

  # The block of a README that begins so.
  defp block(path, first) do
    ~r/```elixir\n(.*?)```/s
    |> Regex.scan(File.read!(path), capture: :all_but_first)
    |> Enum.find_value(fn [code] -> String.starts_with?(code, first) and code end)
  end

  defp started(code), do: fn -> code |> Code.eval_string() |> elem(0) |> elem(1) end

  for path <- ["README.md", "../README.md"] do
    test "#{path}'s", %{sandbox: sandbox} do
      start = unquote(path) |> block("defmodule Audit do") |> started()
      assert capture_io(run_until(sandbox, start)) =~ ~s({:insert, "orders", %{"id" => 7}})
    end
  end

  test "README.md's, as a child by its own name", %{sandbox: sandbox} do
    module = "README.md" |> block("defmodule Audit do") |> String.split("\n\nPgEtf.") |> hd()
    module |> String.replace("@behaviour PgEtf", "use PgEtf") |> Code.eval_string()
    {children, _} = "README.md" |> block("children = [{Audit") |> Code.eval_string()
    start = fn -> children |> Supervisor.start_link(strategy: :one_for_one) |> elem(1) end
    out = capture_io(run_until(sandbox, start))
    assert out =~ ~s({:insert, "orders", %{"id" => 7}})
  end

  test "the top README's, with publications", %{sandbox: sandbox} do
    Sandbox.psql!(sandbox, "CREATE TABLE left_out (id int)")
    Sandbox.psql!(sandbox, "CREATE PUBLICATION audit FOR TABLE orders")
    Sandbox.psql!(sandbox, "INSERT INTO left_out VALUES (1); INSERT INTO orders VALUES (8)")

    [module, _] =
      "../README.md" |> block("defmodule Audit do") |> String.split("\n\nPgEtf.", parts: 2)

    Code.eval_string(module)
    start = "../README.md" |> block("PgEtf.Consumer.start_link(Audit") |> started()

    out = capture_io(run_until(sandbox, start))
    assert out =~ ~s({:insert, "orders", %{"id" => 8}})
    refute out =~ "left_out"
  end

  if Code.ensure_loaded?(Broadway) do
    test "the top README's, under Broadway", %{sandbox: sandbox} do
      start = "../README.md" |> block("defmodule Feed do") |> started()
      assert capture_io(run_until(sandbox, start)) =~ ~s({:insert, "orders", %{"id" => 7}})
    end
  end
end
