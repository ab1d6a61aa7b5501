defmodule PgEtf.FunctionsTest do
  use ExUnit.Case, async: true

  doctest PgEtf.Functions

  alias PgEtf.Functions
  alias PgEtf.Functions.{Listing, Registry}

  test "what is marked is registered when the module is loaded, and nothing else" do
    Code.ensure_loaded!(PgEtf.Priced)
    assert {:ok, {PgEtf.Priced, :add, [2, 3]}} = Registry.fetch("PgEtf.Priced.add")
    assert :error = Registry.fetch("PgEtf.Priced.unmarked")
    assert :error = Registry.fetch("PgEtf.Priced.__pg_functions__")
  end

  test "a module that is loaded again takes back what it no longer marks" do
    define("@sql true\ndef one, do: 1\n@sql true\ndef two, do: 2")
    assert {:ok, _} = Registry.fetch("PgEtf.FunctionsTest.Again.one")
    define("@sql true\ndef two(_), do: 2")
    assert :error = Registry.fetch("PgEtf.FunctionsTest.Again.one")
    assert {:ok, {_, :two, [1]}} = Registry.fetch("PgEtf.FunctionsTest.Again.two")
  end

  test "only public functions can be marked, and only with text" do
    assert_raise CompileError, ~r/only public functions/, fn ->
      define("@sql true\ndefp one, do: 1\ndef two, do: one()")
    end

    assert_raise ArgumentError, ~r/@sql is a string or true/, fn ->
      define("@sql :price\ndef one, do: 1")
    end
  end

  test "any name can be given to a function" do
    :ok = Functions.register("orders total", &Enum.sum/1)
    assert {:ok, target} = Registry.fetch("orders total")
    assert Registry.takes?(target, 1)
    refute Registry.takes?(target, 2)
    assert {"orders total", 1, "Enum", nil, nil} in Listing.rows()
    :ok = Functions.unregister("orders total")
    assert :error = Registry.fetch("orders total")
  end

  test "the listing has a row for each declaration" do
    Code.ensure_loaded!(PgEtf.Priced)
    rows = for row <- Listing.rows("PgEtf.Priced"), elem(row, 0) == "PgEtf.Priced.add", do: row

    assert [
             {_, 2, "PgEtf.Priced", doc, "add(a int, b int) RETURNS int IMMUTABLE"},
             {_, 2, _, _, "add(a bigint, b bigint) RETURNS bigint IMMUTABLE"},
             {_, 3, _, _, nil}
           ] = rows

    assert doc in [nil, "Adds."]
    assert [] = Listing.rows("PgEtf.Nowhere")
  end

  test "outside of a call nobody calls, and a notice goes nowhere" do
    assert Functions.caller() == nil
    assert Functions.notice("hello") == :ok
  end

  defp define(body) do
    Code.compiler_options(ignore_module_conflict: true)

    Code.compile_string(
      "defmodule PgEtf.FunctionsTest.Again do\nuse PgEtf.Functions\n#{body}\nend"
    )
  end
end
