defmodule PgEtf.SidecarDocsTest do
  # The examples in the documentation of what SQL calls.
  use ExUnit.Case, async: false

  import PgEtf.Backend

  # The first indented block that begins so.
  defp example(module, first) do
    {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(module)
    [_, rest] = String.split(doc, "    " <> first, parts: 2)
    [code | _] = Regex.split(~r/\n(?=\S)/, rest)
    first <> code
  end

  @tag :tmp_dir
  test "a module and a sidecar, called", %{tmp_dir: dir} do
    path = Path.join(dir, "sock")

    on_exit(fn ->
      for operation <- [:delete, :purge], do: apply(:code, operation, [Shop.Price])
    end)

    Code.eval_string(example(PgEtf.Functions, "defmodule Shop.Price do"))
    code = example(PgEtf.Sidecar, "children = [")
    {_, [children: [child]]} = Code.eval_string(code)
    assert {PgEtf.Sidecar, socket: "/run/shop/sidecar.sock"} = child
    start_supervised!({PgEtf.Sidecar, socket: path})
    socket = connect(path)
    assert {1, :ok, 75} = ask(socket, {:call, 1, "Shop.Price.price", [42, 3], []})

    assert {2, :ok, [row]} = ask(socket, {:functions, 2, "Shop.Price"})
    declared = "price(item int, quantity int) RETURNS numeric STABLE"
    assert inspect(row) =~ declared
    assert example(PgEtf.Functions, "SELECT elixir_import") =~ "SELECT price(42, 3);"
  end

  test "an error with a SQLSTATE" do
    code = example(PgEtf.SQLError, "raise PgEtf.SQLError")
    error = assert_raise PgEtf.SQLError, fn -> Code.eval_string(code) end
    assert %{code: "23514", message: "the price of" <> _, hint: "Correct" <> _} = error
  end

  test "the commands are those of docs/sql-to-beam.md" do
    page = File.read!("../docs/sql-to-beam.md")

    for first <- ["shared_preload_libraries", "elixir.command = '/opt/shop/bin/shop start'"] do
      [line | _] = PgEtf.Sidecar |> example(first) |> String.split("\n")
      assert page =~ line
    end

    [_, run] = Regex.run(~r/(-e PgEtf\S+ --no-halt)'/, page)
    assert example(PgEtf.Sidecar, "shared_preload_libraries") =~ run
  end
end
