defmodule PgEtf.Sidecar.CodeTest do
  use ExUnit.Case, async: true

  import PgEtf.Backend

  setup context do
    {_name, path} = start_sidecar(context[:sidecar] || [])
    {:ok, path: path}
  end

  describe "code" do
    @source "defmodule PgEtf.Sidecar.CodeTest.Sent do\nuse PgEtf.Functions\n@sql true\ndef f, do: 1\nend"

    test "is refused unless it is allowed", %{path: path} do
      socket = connect(path)

      assert {9, :raise, "55000", _, _, hint, _} =
               ask(socket, {:load, 9, "PgEtf.Sidecar.CodeTest.Sent", @source})

      assert hint =~ "elixir.allow_load_code"
      assert {9, :raise, "55000", _, _, _, _} = ask(socket, {:eval, 9, "1 + 1", []})
    end

    @tag sidecar: [allow_load_code: true]
    test "is loaded and can be called", %{path: path} do
      socket = connect(path)

      assert {9, :ok, ["PgEtf.Sidecar.CodeTest.Sent"]} =
               ask(socket, {:load, 9, "PgEtf.Sidecar.CodeTest.Sent", @source})

      assert {7, :ok, 1} = call(socket, "PgEtf.Sidecar.CodeTest.Sent.f", [])
      assert {9, :ok, 3} = ask(socket, {:eval, 9, "1 + 2", []})

      assert {9, :raise, "38000", "DO raised ArithmeticError" <> _, _, _, _} =
               ask(socket, {:eval, 9, "1 / 0", []})
    end

    @tag sidecar: [allow_load_code: true]
    test "defines what it says, and nothing else", %{path: path} do
      socket = connect(path)

      for source <- ["defmodule String do\nend", "1 + 1", @source <> "\nSystem.halt(1)", ""] do
        assert {9, :raise, "42601", _, _, _, _} =
                 ask(socket, {:load, 9, "PgEtf.Sidecar.CodeTest.Sent", source})
      end

      assert {9, :raise, "38000", message, _, _, _} =
               ask(socket, {:load, 9, "PgEtf.Sidecar.CodeTest.Sent", "defmodule A do"})

      assert message =~ "elixir_load_code raised"
    end
  end
end
