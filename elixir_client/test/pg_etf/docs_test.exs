defmodule PgEtf.DocsTest do
  # What the documentation lists is what there is.
  use ExUnit.Case, async: true

  alias PgEtf.{Consumer, FakeSlot, Producer, Stage}

  @moduletag :capture_log

  defmodule Nothing do
    @behaviour Consumer

    @impl true
    def handle_changes(_changes, state), do: {:ok, state}
  end

  # In the order that Broadway's own producers have.
  @sections [
    "Options",
    "Example",
    "Concurrency and ordering",
    "Acknowledgement and failures",
    "The slot",
    "Delivery guarantee",
    "Metadata",
    "Telemetry",
    "Testing"
  ]

  defp moduledoc(module) do
    {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(module)
    doc
  end

  defp section(doc, title) do
    [_, rest] = String.split(doc, "## #{title}\n", parts: 2)
    rest |> String.split("\n## ") |> hd()
  end

  # Those in backticks, at the place of the pattern's group.
  defp names(text, pattern) do
    for [_, names] <- Regex.scan(pattern, text),
        [_, name] <- Regex.scan(~r/`:?([a-z_?]+)`/, names),
        do: name
  end

  defp keys(map), do: map |> Map.keys() |> Enum.map(&Atom.to_string/1) |> Enum.sort()

  defp opts(slot), do: [connection: [], slot: slot, client: FakeSlot]

  for module <- [Producer, Consumer] do
    test "#{inspect(module)} has the sections of a producer" do
      titles = Regex.scan(~r/^## (.*)$/m, moduledoc(unquote(module)), capture: :all_but_first)
      assert List.flatten(titles) == @sections
    end
  end

  test "the keys of info/1" do
    {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(PgEtf)
    [doc] = for {{:function, :info, 1}, _, _, %{"en" => doc}, _} <- docs, do: doc
    documented = names(doc, ~r/^\| (`.*?) \|/m)

    {:ok, stage} = Stage.start_link(Producer, opts(FakeSlot.start([])))
    {:ok, consumer} = Consumer.start_link(Nothing, nil, opts(FakeSlot.start([])))
    assert Enum.sort(documented) == stage |> PgEtf.info() |> keys()
    assert Enum.sort(documented -- ["demand"]) == consumer |> PgEtf.info() |> keys()
  end

  test "the metadata of each message, key by key" do
    [changes, transactions] =
      Producer |> moduledoc() |> section("Metadata") |> String.split("unit: :transaction")

    change = PgEtf.Test.insert("t", %{"id" => 1})
    transaction = PgEtf.Test.transaction([change])

    for {data, text} <- [{change, changes}, {transaction, transactions}] do
      documented = names(text, ~r/^ *\* (.*?)(?: - .*)?$/m)
      assert Enum.sort(documented) == data |> Producer.Message.metadata() |> keys()
    end
  end
end
