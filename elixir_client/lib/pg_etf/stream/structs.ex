defmodule PgEtf.Stream.Structs do
  @moduledoc false
  # Rows as structs, of the tables that have a schema in option `into`.

  alias PgEtf.{Change, Frame}

  @doc "A frame with structs, and what the log is to say about rows that do not fit."
  @spec load(Frame.t(), PgEtf.Ecto.schemas()) :: {Frame.t(), [String.t()]}
  def load(frame, schemas) when schemas == %{}, do: {frame, []}

  def load(%Frame{} = frame, schemas) do
    {changes, failures} = load_changes(frame.changes, schemas)
    {%{frame | changes: changes}, failures}
  end

  @doc "The same of changes."
  @spec load_changes([Change.t()], PgEtf.Ecto.schemas()) :: {[Change.t()], [String.t()]}
  def load_changes(changes, schemas) when schemas == %{}, do: {changes, []}

  def load_changes(changes, schemas) do
    {changes, failures} = Enum.map_reduce(changes, [], &load(&1, &2, schemas))
    {changes, Enum.uniq(failures)}
  end

  defp load(%Change{} = change, failures, schemas) do
    case PgEtf.Ecto.into(change, schemas) do
      {:ok, change} -> {change, failures}
      {:error, reason} -> {change, [text(change, reason) | failures]}
    end
  end

  defp text(change, reason), do: "#{change.schema}.#{change.table} has rows as maps: #{reason}"
end
