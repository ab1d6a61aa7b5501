defmodule PgEtf.Integration.GuidesTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO

  @moduletag :integration
  # It starts a server; the machine may be busy.
  @moduletag timeout: 300_000

  test "all code in guides and READMEs is code" do
    files = ["README.md", "../README.md" | Path.wildcard("guides/*.{md,livemd}")]

    blocks =
      for file <- files,
          [code] <-
            Regex.scan(~r/```elixir\n(.*?)```/s, File.read!(file), capture: :all_but_first),
          do: Code.string_to_quoted!(code, file: file)

    assert length(blocks) > 10
  end

  test "the notebook runs" do
    cells =
      "guides/first-steps.livemd"
      |> File.read!()
      |> then(&Regex.scan(~r/```elixir\n(.*?)```/s, &1, capture: :all_but_first))
      |> List.flatten()

    # The first cell gets the library from the checkout, which is here already.
    ["# A checkout" <> _ | cells] = cells

    output = capture_io(fn -> cells |> Enum.join("\n") |> Code.eval_string([], __ENV__) end)

    assert output =~ "with 2 changes"
    assert output =~ ~s({:insert, %{"id" => 1})
    assert output =~ ~s({:delete, %{"id" => 1}, nil})
  end
end
