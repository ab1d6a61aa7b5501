defmodule PgEtf.Consumer.Setup do
  @moduledoc false
  # What a consumer is started with: callbacks and options that fit together. What would
  # be overwritten or never called is refused.

  alias PgEtf.Options
  alias PgEtf.Options.Rules

  @own [batch_size: 100, batch_timeout: 0]
  # What a consumer decides by its callbacks, and by what it is.
  @decided [:unit, :store_position]

  @two_phase [:handle_prepare, :handle_commit_prepared, :handle_rollback_prepared]

  @doc "The options with defaults filled in, and the consumer's own apart."
  @spec validate!(module, keyword) :: {keyword, keyword}
  def validate!(module, opts) do
    unless Keyword.keyword?(opts), do: raise(ArgumentError, "expected a keyword list of options")
    {given, opts} = opts |> Rules.rename!() |> Keyword.split(Keyword.keys(@own))
    unit = unit!(module)
    callbacks!(module, opts)
    two_phase!(module, unit, opts[:two_phase])
    own = own!(given, unit)
    window = Keyword.get(opts, :max_in_flight, max(10_000, own[:batch_size]))
    decided = [unit: unit, max_in_flight: window]
    opts = opts |> Keyword.merge(decided) |> Options.validate!() |> read_ahead(own)
    if window < own[:batch_size], do: refuse(":max_in_flight is below :batch_size")

    {Keyword.put(opts, :store_position, if(exports?(module, :handle_position, 2), do: :deliver)),
     own}
  end

  # A batch that is larger than what is read ahead would never come together; credit is
  # given when half of it is used up.
  defp read_ahead(opts, own) do
    if 2 * own[:batch_size] > opts[:prefetch] do
      Keyword.merge(opts, prefetch: 2 * own[:batch_size], ahead_bytes: opts[:window_bytes])
    else
      opts
    end
  end

  defp own!(given, unit) do
    if given != [] and unit == :transaction do
      refuse("#{inspect(hd(Keyword.keys(given)))} is for handle_changes/2")
    end

    own = Keyword.merge(@own, given)
    unless positive?(own[:batch_size]), do: expected(:batch_size, "a positive integer")

    unless own[:batch_timeout] == 0 or positive?(own[:batch_timeout]) do
      expected(:batch_timeout, "a non-negative integer, in milliseconds")
    end

    if unit == :transaction, do: Keyword.put(own, :batch_size, 1), else: own
  end

  defp positive?(value), do: is_integer(value) and value > 0

  defp unit!(module) do
    unless Code.ensure_loaded?(module), do: refuse("module #{inspect(module)} is not available")

    case {exports?(module, :handle_transaction, 2), exports?(module, :handle_changes, 2)} do
      {true, false} ->
        :transaction

      {false, true} ->
        :change

      {true, true} ->
        refuse("#{inspect(module)} has both handle_transaction/2 and handle_changes/2")

      _ ->
        refuse("#{inspect(module)} has neither handle_transaction/2 nor handle_changes/2")
    end
  end

  defp callbacks!(module, opts) do
    for option <- @decided, Keyword.has_key?(opts, option) do
      refuse("option #{inspect(option)} is not for a consumer: its callbacks determine it")
    end

    if opts[:create_slot] == :once and not exports?(module, :handle_position, 2) do
      refuse("create_slot: :once needs a stored position: checkpoint/1 and handle_position/2")
    end

    position? = Keyword.has_key?(opts, :start_position)
    checkpoint? = exports?(module, :checkpoint, 1)

    if checkpoint? and position? do
      refuse("#{inspect(module)} has checkpoint/1: option :start_position would not be used")
    end

    if exports?(module, :handle_position, 2) and not (checkpoint? or position?) do
      refuse(
        "#{inspect(module)} has handle_position/2, which is only called if positions are stored: " <>
          "it needs checkpoint/1, too"
      )
    end
  end

  # Of what is prepared each part matters, so none can be left out.
  defp two_phase!(module, unit, true) do
    if unit != :transaction, do: refuse("two_phase: true needs handle_transaction/2")

    for name <- @two_phase, not exports?(module, name, 2) do
      refuse("two_phase: true needs #{name}/2, which #{inspect(module)} does not have")
    end
  end

  defp two_phase!(module, _unit, _off) do
    for name <- @two_phase, exports?(module, name, 2) do
      refuse("#{inspect(module)} has #{name}/2, which is only called with two_phase: true")
    end
  end

  defp expected(option, what), do: refuse("expected #{inspect(option)} to be #{what}")

  defp refuse(message), do: raise(ArgumentError, message)

  defp exports?(module, name, arity), do: function_exported?(module, name, arity)
end
