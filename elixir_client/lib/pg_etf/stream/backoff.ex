defmodule PgEtf.Stream.Backoff do
  @moduledoc false
  # How long to wait before another attempt.

  @doc """
  Milliseconds after this many attempts. Half of each pause is random, so that many
  clients do not come back together.
  """
  @spec pause(non_neg_integer, keyword) :: pos_integer
  def pause(attempts, opts) do
    longest = min(opts[:backoff_max], opts[:backoff_min] * 2 ** min(attempts, 20))
    div(longest, 2) + :rand.uniform(div(longest, 2) + 1)
  end
end
