defmodule PgEtf.Options.Rules do
  @moduledoc false
  # What holds between options: which mean nothing without another one, and which had
  # another name. A new option that depends on one is a row here.

  # option: [the other one: values with which it is used]. One of several is enough.
  @needs [
    max_attempts: [on_failure: [:requeue]],
    after_attempts: [on_failure: [:requeue]],
    retry_after: [on_error: [:halt]],
    spool_dir: [streaming: [true]],
    spool_bytes: [streaming: [true]],
    format: [plugin: [:auto, :pgoutput]],
    on_schema_change: [ddl: [:tables, :commands]],
    on_rewrite: [ddl: [:tables, :commands]],
    on_new_table: [ddl: [:tables, :commands]],
    schema_store: [ddl: [:tables, :commands]],
    max_transaction_changes: [unit: [:transaction]],
    failover: [create_slot: [true, :once, :temporary]],
    create_publication: [create_slot: [true, :once, :temporary]]
  ]

  # Those of the plugin that this library decides, or has options for.
  @plugin_options %{
    "protocol_version" => nil,
    "dialect" => nil,
    "rows" => nil,
    "uuid" => nil,
    "actions" => :actions,
    "include_tables" => :tables,
    "exclude_tables" => :exclude_tables,
    "include_columns" => :include_columns,
    "exclude_columns" => :exclude_columns,
    "mask_columns" => :mask_columns,
    "ddl" => :ddl,
    "updates" => :updates,
    "skip_unchanged" => :skip_unchanged,
    "publication_names" => :publications,
    "messages" => :messages,
    "message_prefixes" => :messages,
    "origin" => :origin
  }

  # earlier name: the one of today
  @renamed [heartbeat: :stats_interval, max_changes: :batch_size]

  @doc "Options under the names of today."
  @spec rename!(keyword) :: keyword
  def rename!(opts) do
    for {key, value} <- opts do
      new = Keyword.get(@renamed, key, key)

      if new != key and Keyword.has_key?(opts, new) do
        refuse("option #{inspect(key)} is the earlier name of #{inspect(new)}: use one of them")
      end

      {new, rename_value(new, value)}
    end
  end

  # It creates none; `:atoms` does where others have both.
  defp rename_value(:keys, :atoms), do: :atoms!
  defp rename_value(:keys, {:atoms, modules}), do: {:atoms!, modules}
  defp rename_value(_key, value), do: value

  @doc "Raises ArgumentError for an option that would be ignored. All have a value by then."
  @spec check!(keyword, keyword(keyword)) :: :ok
  def check!(opts, schema) do
    for {key, [{other, values}]} <- @needs, set?(key, opts, schema) do
      unless opts[other] in values, do: refuse(ignored(key, other, values))
    end

    if opts[:create_publication] and opts[:publications] == [] do
      refuse("option :create_publication creates the first of :publications, and there is none")
    end

    if opts[:store_position] != nil and opts[:start_position] == nil do
      refuse("option :store_position is only used with :start_position")
    end

    Enum.each(opts[:plugin_options], &plugin_option!/1)
  end

  defp set?(key, opts, schema), do: opts[key] != schema[key][:default]

  defp ignored(key, other, values) do
    values = Enum.map_join(values, " or ", &inspect/1)
    "option #{inspect(key)} is only used with #{other}: #{values}"
  end

  defp plugin_option!({name, _value}) do
    case @plugin_options do
      %{^name => nil} ->
        refuse("option :plugin_options: #{inspect(name)} is decided by the library")

      %{^name => option} ->
        refuse("option :plugin_options: use option #{inspect(option)} for #{inspect(name)}")

      %{} ->
        :ok
    end
  end

  @doc "Raises ArgumentError."
  @spec refuse(String.t()) :: no_return
  def refuse(message), do: raise(ArgumentError, message)
end
