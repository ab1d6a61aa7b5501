defmodule PgEtf.Options.Plugin do
  @moduledoc false
  # What the output plugin is told.

  # Rows are finished here from their compact form, but for a uuid: its 36
  # characters cost the plugin next to nothing, and 0.8 us here.
  @doc "Its options, a map of strings to strings."
  @spec options(keyword) :: map
  def options(opts) do
    %{
      "protocol_version" => "1",
      "dialect" => "compact",
      "rows" => "tuple",
      "uuid" => "text",
      "actions" => Enum.map_join(opts[:actions], ",", &to_string/1)
    }
    |> put_list("include_tables", opts[:tables], &String.replace(&1, ",", "\\,"))
    |> put_list("exclude_tables", opts[:exclude_tables], &String.replace(&1, ",", "\\,"))
    |> put_messages(opts[:messages])
    |> put_origin(opts[:origin])
    |> Map.merge(opts[:plugin_options])
  end

  defp put_list(options, _name, [], _fun), do: options

  defp put_list(options, name, values, fun) do
    Map.put(options, name, Enum.map_join(values, ",", fun))
  end

  defp put_messages(options, none) when none in [false, []], do: options
  defp put_messages(options, true), do: Map.put(options, "messages", "on")

  defp put_messages(options, prefixes) do
    options
    |> Map.put("messages", "on")
    |> put_list("message_prefixes", prefixes, &String.replace(&1, ",", "\\,"))
  end

  defp put_origin(options, :any), do: options
  defp put_origin(options, :none), do: Map.put(options, "origin", "none")
end
