defmodule PgEtf.Client.PluginOptions do
  @moduledoc false
  # The options of the output plugin.

  alias PgEtf.Trace

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
    |> put_list("include_tables", opts[:tables], &escape/1)
    |> put_list("exclude_tables", opts[:exclude_tables], &escape/1)
    |> put_list("include_columns", opts[:include_columns], &escape/1)
    |> put_list("exclude_columns", opts[:exclude_columns], &escape/1)
    |> put_list("mask_columns", opts[:mask_columns], &escape/1)
    |> put_choice("ddl", opts[:ddl], :off)
    |> put_choice("updates", opts[:updates], :full)
    |> put_choice("skip_unchanged", opts[:skip_unchanged], false)
    |> put_list("publication_names", opts[:publications], &quote_name/1)
    |> put_messages(messages(opts[:messages], opts[:traceparent]))
    |> put_choice("origin", opts[:origin], :any)
    |> Map.merge(opts[:plugin_options])
  end

  defp put_list(options, _name, [], _fun), do: options

  defp put_list(options, name, values, fun) do
    Map.put(options, name, Enum.map_join(values, ",", fun))
  end

  # As SQL quotes a name, whatever it consists of.
  defp quote_name(name), do: ~s("#{String.replace(name, ~s("), ~s(""))}")

  defp messages(prefixes, true) when is_list(prefixes), do: prefixes ++ [Trace.prefix()]
  defp messages(false, true), do: [Trace.prefix()]
  defp messages(messages, _traceparent), do: messages

  defp put_messages(options, none) when none in [false, []], do: options
  defp put_messages(options, true), do: Map.put(options, "messages", "on")

  defp put_messages(options, prefixes) do
    options
    |> Map.put("messages", "on")
    |> put_list("message_prefixes", prefixes, &escape/1)
  end

  defp put_choice(options, _name, default, default), do: options
  defp put_choice(options, name, value, _default), do: Map.put(options, name, to_string(value))

  defp escape(pattern), do: String.replace(pattern, ",", "\\,")
end
