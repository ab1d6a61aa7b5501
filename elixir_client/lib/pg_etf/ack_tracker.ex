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

  @doc "Numbers one message that is being handed out."
  @spec open(t) :: {seq, t}
  def open(%AckTracker{next: next} = tracker), do: {next, %{tracker | next: next + 1}}

  @doc "Ends a transaction after the last message that was opened."
  @spec close(t, PgEtf.Lsn.t()) :: t
  def close(%AckTracker{} = tracker, end_lsn) do
    confirm(%{tracker | ends: :queue.in({tracker.next, end_lsn}, tracker.ends)})
  end

  @doc "Acknowledges messages. Numbers that were never opened, or twice, change nothing."
  @spec ack(t, [seq]) :: t
  def ack(%AckTracker{} = tracker, seqs) do
    seqs |> Enum.reduce(tracker, &mark/2) |> confirm()
  end

  @doc "How many messages are handed out and not acknowledged."
  @spec in_flight(t) :: non_neg_integer
  def in_flight(%AckTracker{next: next, low: low, done: done}), do: next - low - map_size(done)

  # Messages acknowledged in order, the usual case, never enter the map.
  defp mark(low, %AckTracker{low: low, next: next} = tracker) when low < next do
    advance(%{tracker | low: low + 1})
  end

  defp mark(seq, %AckTracker{low: low, next: next} = tracker) when seq > low and seq < next do
    %{tracker | done: Map.put(tracker.done, seq, [])}
  end

  defp mark(_seq, tracker), do: tracker

  defp advance(%AckTracker{low: low, done: done} = tracker) when is_map_key(done, low) do
    advance(%{tracker | low: low + 1, done: Map.delete(done, low)})
  end

  defp advance(tracker), do: tracker

  defp confirm(%AckTracker{low: low, ends: ends} = tracker) do
    case :queue.peek(ends) do
      {:value, {seq, lsn}} when seq <= low ->
        confirm(%{tracker | ends: :queue.drop(ends), flushed: lsn})

      _ ->
        tracker
    end
  end
end
