defmodule PgEtf.Stream.Updates do
  @moduledoc false
  # Options that PgEtf.update/2 has changed. They outlive the process: one that its
  # supervisor starts again with what it had at first would read less than was asked for,
  # confirm that, and lose the rest. A start with other options is somebody's decision,
  # and ends it.

  alias PgEtf.{Options, Telemetry}

  # {key, the options of the start, what was changed since}
  @table __MODULE__

  # What is read, what rows look like, and where it is read. Others decide how messages
  # are counted or numbered, are known outside of the stream, or belong to the process.
  @changeable [
    :connection,
    :tables,
    :exclude_tables,
    :publications,
    :include_columns,
    :exclude_columns,
    :mask_columns,
    :updates,
    :skip_unchanged,
    :actions,
    :messages,
    :traceparent,
    :types,
    :origin,
    :plugin_options,
    :keys,
    :into
  ]

  @doc "Called once, by the process that owns the table."
  @spec create_table() :: :ok
  def create_table do
    :ets.new(@table, [:named_table, :public])
    :ok
  end

  @doc "Raises ArgumentError for what cannot be changed."
  @spec check!(keyword) :: :ok
  def check!(changes) do
    unless Keyword.keyword?(changes) do
      raise ArgumentError, "expected a keyword list of options, got: #{inspect(changes)}"
    end

    for {key, _value} <- changes, key not in @changeable do
      raise ArgumentError,
            "option #{inspect(key)} cannot be changed while a stream runs, these can: " <>
              Enum.map_join(@changeable, ", ", &inspect/1)
    end

    :ok
  end

  @doc "The names of what can be changed."
  @spec changeable() :: [atom]
  def changeable, do: @changeable

  @doc "Options of a stream with changes, if they are valid and fit together."
  @spec merge(keyword, keyword) :: {:ok, keyword} | {:error, String.t()}
  def merge(opts, changes) do
    # A consumer has one that is no option.
    all = opts |> Keyword.replace(:store_position, nil) |> Keyword.merge(changes)
    valid = Options.validate!(all)

    if valid[:client] == opts[:client] do
      {:ok, Keyword.merge(opts, Keyword.take(valid, Keyword.keys(changes)))}
    else
      {:error, "option :connection: a stream cannot be moved to or from {:node, name}"}
    end
  rescue
    error in ArgumentError -> {:error, error.message}
  end

  @doc "The options of a start, with what was changed since there was one like it."
  @spec restore(keyword) :: {keyword, changed :: [atom]}
  def restore(opts) do
    with [{_key, start, changes}] <- :ets.lookup(@table, key(opts)),
         true <- start == comparable(opts),
         {:ok, changed} <- merge(opts, changes) do
      {changed, Keyword.keys(changes)}
    else
      _ -> {opts, []}
    end
  end

  @doc "Remembers changes of a stream that was started with these options."
  @spec keep(keyword, keyword) :: :ok
  def keep(opts, changes) do
    {key, start} = {key(opts), comparable(opts)}

    before =
      case :ets.lookup(@table, key) do
        [{_key, ^start, before}] -> before
        _ -> []
      end

    changes = changes |> Options.conceal() |> then(&Keyword.merge(before, &1))
    :ets.insert(@table, {key, start, changes})
    :ok
  end

  defp key(opts), do: {Telemetry.name(opts), opts[:slot]}

  # The topology around a producer is not its own.
  defp comparable(opts), do: Keyword.delete(opts, :broadway)
end
