defmodule PgEtf.Options do
  @moduledoc false
  # Options of a stream: validation, defaults and the generated documentation, all from
  # the table in PgEtf.Options.Schema.

  alias PgEtf.Backfill.Request
  alias PgEtf.Client.Connection
  alias PgEtf.Options.{Rules, Schema, Type}

  @doc "The options with defaults filled in; raises ArgumentError naming what is wrong."
  @spec validate!(keyword) :: keyword
  def validate!(opts) do
    unless Keyword.keyword?(opts) do
      raise ArgumentError, "expected a keyword list of options, got: #{inspect(opts)}"
    end

    testing = Application.get_env(:pg_etf, :testing, :disabled)
    opts = opts |> Rules.rename!() |> Keyword.put_new(:testing, testing)
    Enum.each(opts, &known!/1)

    opts =
      Enum.map(Schema.all(), fn {key, spec} ->
        {key, value!(key, spec, Keyword.fetch(opts, key))}
      end)

    if opts[:backoff_min] > opts[:backoff_max] do
      raise ArgumentError, "option :backoff_min is above :backoff_max"
    end

    for key <- [:tables, :exclude_tables], pattern <- opts[key], do: schema!(key, pattern)
    takeover_timeout!(opts[:takeover_timeout])
    Request.snapshot!(opts[:snapshot])
    Rules.check!(opts, Schema.all())
    opts |> put_client(opts[:connection]) |> conceal()
  end

  # The C program is not started here, and neither is the slot made from here.
  defp put_client(opts, {:node, _name}) do
    if opts[:create_slot] != false do
      raise ArgumentError,
            "option :create_slot: with {:node, name} pg_etf_client makes the slot (--create-slot)"
    end

    Keyword.put(opts, :client, PgEtf.Client.Node)
  end

  defp put_client(opts, _connection), do: opts

  # The plugin wants both, and would say so when the slot is made.
  defp schema!(key, pattern) do
    unless Regex.match?(~r/^(\\.|[^.\\])+\./su, pattern) do
      raise ArgumentError,
            "option #{inspect(key)}: #{inspect(pattern)} has no schema: did you mean " <>
              "#{inspect("public." <> pattern)}?"
    end
  end

  defp takeover_timeout!(ms) when ms == 0 or ms >= 1000, do: :ok

  defp takeover_timeout!(_ms) do
    raise ArgumentError, "option :takeover_timeout is below one second"
  end

  @doc """
  The options with the connection in a function: whoever prints them, a supervisor its
  child or a crash report its state, prints no password.
  """
  @spec conceal(keyword) :: keyword
  def conceal(opts), do: Keyword.replace_lazy(opts, :connection, &Connection.conceal/1)

  @doc "The documentation of all options, as a Markdown list."
  @spec docs() :: String.t()
  def docs do
    for {key, spec} <- Schema.all(), spec[:doc] != false, into: "" do
      "  * `:#{key}` - #{requirement(spec)}#{spec[:doc]}\n\n"
    end
  end

  defp requirement(spec) do
    case Keyword.fetch(spec, :default) do
      {:ok, default} when default not in [nil, [], %{}] -> "(`#{inspect(default)}`) "
      {:ok, _} -> ""
      :error -> "(required) "
    end
  end

  defp known!({key, _value}) do
    unless Keyword.has_key?(Schema.all(), key) do
      public = for {key, spec} <- Schema.all(), spec[:doc] != false, do: inspect(key)

      raise ArgumentError,
            "unknown option #{inspect(key)}, the options are: #{Enum.join(public, ", ")}"
    end
  end

  defp value!(key, spec, :error) do
    if spec[:required], do: raise(ArgumentError, "required option #{inspect(key)} is missing")
    spec[:default]
  end

  # It may hold a password: its error shows no value.
  defp value!(:connection, _spec, {:ok, value}) do
    Connection.check!(value)
    value
  end

  defp value!(key, spec, {:ok, value}) do
    value = Type.cast(spec[:type], value)

    unless Type.valid?(spec[:type], value) do
      raise ArgumentError,
            "invalid value for option #{inspect(key)}: expected #{Type.describe(spec[:type])}, " <>
              "got: #{inspect(value)}"
    end

    value
  end
end
