defmodule PgEtf.AckTracker do
  @moduledoc false
  # Messages are acknowledged in any order; the slot may only move over a closed
  # prefix. Every message handed out has a number of its own, and a transaction
  # ends at the number after its last message.
  #
  # Pure data: no process, no clock. The session owns the struct.

  alias __MODULE__

  @type seq :: non_neg_integer

  @type t :: %AckTracker{
          next: seq,
          low: seq,
          done: %{optional(seq) => []},
          ends: :queue.queue({seq, PgEtf.Lsn.t()}),
          flushed: PgEtf.Lsn.t() | nil
        }

  # next     the number of the next message
  # low      the lowest number that is not acknowledged
  # done     numbers above low that are
  # ends     transactions that are not confirmed, oldest first: where each ends
  # flushed  the end of the last transaction below low
  defstruct next: 0, low: 0, done: %{}, ends: :queue.new(), flushed: nil

  @spec new() :: t
  def new, do: %AckTracker{}

  @doc "Numbers messages that are being handed out; tells the number of the first."
  @spec open(t, pos_integer) :: {seq, t}
  def open(%AckTracker{next: next} = tracker, count \\ 1) do
    {next, %{tracker | next: next + count}}
  end

  @doc "Ends a transaction after the last message that was opened."
  @spec close(t, PgEtf.Lsn.t()) :: t
  def close(%AckTracker{} = tracker, end_lsn) do
    confirm(%{tracker | ends: :queue.in({tracker.next, end_lsn}, tracker.ends)})
  end

  @doc "Acknowledges messages. Numbers that were never opened, or twice, change nothing."
  @spec ack(t, [seq]) :: t
  def ack(%AckTracker{low: low, next: next, done: done} = tracker, seqs) do
    {low, done} = mark(seqs, low, next, done)
    confirm(%{tracker | low: low, done: done})
  end

  @doc "How many messages are handed out and not acknowledged."
  @spec in_flight(t) :: non_neg_integer
  def in_flight(%AckTracker{next: next, low: low, done: done}), do: next - low - map_size(done)

  # Messages acknowledged in order, the usual case, never enter the map.
  defp mark([low | seqs], low, next, done) when low < next do
    {low, done} = advance(low + 1, done)
    mark(seqs, low, next, done)
  end

  defp mark([seq | seqs], low, next, done) when seq > low and seq < next do
    mark(seqs, low, next, Map.put(done, seq, []))
  end

  defp mark([_ | seqs], low, next, done), do: mark(seqs, low, next, done)
  defp mark([], low, _next, done), do: {low, done}

  defp advance(low, done) when is_map_key(done, low), do: advance(low + 1, Map.delete(done, low))
  defp advance(low, done), do: {low, done}

  defp confirm(%AckTracker{low: low, ends: ends} = tracker) do
    case :queue.peek(ends) do
      {:value, {seq, lsn}} when seq <= low ->
        confirm(%{tracker | ends: :queue.drop(ends), flushed: lsn})

      _ ->
        tracker
    end
  end
end
