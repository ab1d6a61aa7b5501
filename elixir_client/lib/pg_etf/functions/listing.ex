defmodule PgEtf.Functions.Listing do
  @moduledoc false
  # What elixir_functions() and elixir_import() show: one row for each name and arity,
  # and for each declaration.

  alias PgEtf.Functions.Registry

  @type row :: {
          name :: String.t(),
          arity,
          module :: String.t(),
          doc :: String.t() | nil,
          sql :: String.t() | nil
        }

  @spec rows(String.t() | nil) :: [row]
  def rows(module \\ nil) do
    for {name, target} <- Registry.all(),
        row <- rows_of(name, target),
        module == nil or elem(row, 2) == module,
        do: row
  end

  defp rows_of(name, {module, function, _arities}) do
    docs = docs(module)

    for {^function, arity, declarations} <- module.__pg_functions__(),
        sql <- if(declarations == [], do: [nil], else: declarations) do
      {name, arity, show(module), docs[{function, arity}], sql}
    end
  end

  defp rows_of(name, {fun, arity}) do
    {:module, module} = Function.info(fun, :module)
    [{name, arity, show(module), nil, nil}]
  end

  # Code that was never a file has no documentation.
  defp docs(module) do
    with {:docs_v1, _, _, _, _, _, docs} <- Code.fetch_docs(module) do
      for {{:function, name, arity}, _, _, %{"en" => text}, _} <- docs,
          into: %{},
          do: {{name, arity}, text |> String.split("\n\n") |> hd()}
    else
      _ -> %{}
    end
  end

  defp show(module), do: module |> inspect() |> String.trim_leading(":")
end
