defmodule PgEtf.Producer.Topology do
  @moduledoc false
  # The pipeline around a producer: whether it can work, and which processes in it
  # hold messages.

  alias PgEtf.Stream.Log

  require Logger

  @compile {:no_warn_undefined, Broadway}

  ## Before the start

  @doc "Raises ArgumentError for a pipeline that could not work with these options."
  @spec check!(keyword, keyword) :: :ok
  def check!(broadway, opts) do
    one_reader!(broadway[:producer][:concurrency] || 1)
    batches!(broadway[:batchers] || [], opts[:max_in_flight])
  end

  defp one_reader!(1), do: :ok

  defp one_reader!(n) do
    raise ArgumentError,
          "a slot has one reader: producer: [concurrency: #{n}] must be 1; increase the " <>
            "concurrency of the processors"
  end

  # A batcher that waits for more than there may be gets it only after its timeout,
  # again and again.
  defp batches!(batchers, max_in_flight) do
    waiting =
      for {_key, batcher} <- batchers, is_integer(batcher[:batch_size]) do
        batcher[:batch_size] * (batcher[:concurrency] || 1)
      end

    if Enum.sum(waiting) > max_in_flight do
      raise ArgumentError,
            "the batchers wait for #{Enum.sum(waiting)} messages (batch_size times concurrency " <>
              "of each), but at most max_in_flight: #{max_in_flight} are delivered: increase " <>
              ":max_in_flight, or reduce :batch_size"
    end

    :ok
  end

  ## Stages

  # Milliseconds between two looks for stages that are not there yet, and how many
  # looks there are before the log tells what is waited for.
  @pause 10
  @patience 500

  @doc """
  Monitors of the stages, once all of them exist: the pipeline may be starting, or
  starting again. Else how long to wait for the next look. Under GenStage alone there are
  none.
  """
  @spec watch(keyword, pos_integer) ::
          {:ok, %{optional(reference) => atom}} | {:wait, pos_integer}
  def watch(opts, look) do
    with {:ok, names} <- names(opts[:broadway][:name], opts[:broadway_module]),
         stages = for(name <- names, do: {GenServer.whereis(name), name}),
         {:missing, []} <- {:missing, for({nil, name} <- stages, do: name)} do
      {:ok, Map.new(stages, fn {pid, name} -> {Process.monitor(pid), name} end)}
    else
      {:missing, names} ->
        if look == @patience, do: log_missing(opts, names)
        {:wait, @pause}
    end
  end

  defp log_missing(opts, names) do
    names = Enum.map_join(names, ", ", &inspect/1)
    Logger.warning("#{Log.label(opts)}: waiting for #{names} to start")
  end

  defp names(nil, _module), do: {:ok, []}

  defp names(name, module) do
    {:ok, name |> Broadway.topology() |> names(name, module)}
  catch
    :exit, _ -> {:missing, [name]}
  end

  defp names(topology, name, module) do
    processors =
      for %{processor_key: key, concurrency: n} <- topology[:processors], i <- 0..(n - 1) do
        "Processor_#{key}_#{i}"
      end

    batchers =
      for %{batcher_key: key, concurrency: n} <- topology[:batchers],
          base <- ["Batcher_#{key}" | Enum.map(0..(n - 1), &"BatchProcessor_#{key}_#{&1}")] do
        base
      end

    Enum.map(processors ++ batchers, &process_name(module, name, &1))
  end

  defp process_name(module, name, base) do
    if module && function_exported?(module, :process_name, 2) do
      module.process_name(name, base)
    else
      :"#{name}.Broadway.#{base}"
    end
  end
end
