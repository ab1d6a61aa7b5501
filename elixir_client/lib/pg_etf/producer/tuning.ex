defmodule PgEtf.Producer.Tuning do
  @moduledoc false
  # A pipeline that is fast without being told how: what its processors are started with,
  # and how much each of them is handed at a time.

  # Broadway's default, which a user has set only together with a :min_demand. A batch
  # costs a processor and the producer as much as three messages.
  @broadway_demand 10
  @max_demand 50

  # What waits is not to be copied by collections of the heap, and a heap of some messages
  # would go to and fro over the border that PgEtf.Stream.Session describes. Together with
  # a batch it stays below 131,072 words, from where on the VM collects in another thread.
  @spawn_opt [message_queue_data: :off_heap, min_heap_size: 75_000]

  # As many as are not worth a part for each.
  @least 10

  @doc "Processors for many small messages, as far as the user has not said otherwise."
  @spec tune(keyword) :: keyword
  def tune(broadway) do
    Keyword.replace_lazy(broadway, :processors, fn processors ->
      for {key, opts} <- processors, do: {key, opts |> tune_heap() |> tune_demand()}
    end)
  end

  defp tune_heap(opts) do
    Keyword.update(opts, :spawn_opt, @spawn_opt, &Keyword.merge(@spawn_opt, &1))
  end

  defp tune_demand(opts) do
    if opts[:max_demand] == @broadway_demand and opts[:min_demand] == nil,
      do: Keyword.put(opts, :max_demand, @max_demand),
      else: opts
  end

  @doc "Among how many processors messages are divided; their keys do it with :partition_by."
  @spec shares(keyword) :: pos_integer
  def shares(opts) do
    with [{_key, processors} | _] <- opts[:broadway][:processors],
         nil <- processors[:partition_by] do
      processors[:concurrency] || 2 * System.schedulers_online()
    else
      _ -> 1
    end
  end

  @doc "How much of what is queued to hand out at once: as one asks, or a part for each."
  @spec share(non_neg_integer, non_neg_integer, pos_integer) :: non_neg_integer
  def share(queued, demand, shares) when shares == 1 or queued <= @least or queued >= demand,
    do: demand

  def share(queued, _demand, shares), do: max(@least, div(queued + shares - 1, shares))
end
