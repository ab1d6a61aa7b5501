defmodule PgEtf.AckTracker do
  @moduledoc false
  # Messages are acknowledged in any order; the slot may only move over a closed
  # prefix. Every message handed out has a number of its own, and a transaction
  # ends at the number after its last message.
  #
  # Pure data: no process, no clock. The session owns the struct.

  import Bitwise

  alias __MODULE__

  # Numbers in a block; its bits are one small integer.
  @block 32

  defguardp block(seq) when div(seq, @block)
  defguardp place(seq) when rem(seq, @block)
  defguardp bit(seq) when 1 <<< rem(seq, @block)

  @type seq :: non_neg_integer

  @type t :: %AckTracker{
          next: seq,
          low: seq,
          done: %{optional(block :: non_neg_integer) => bits :: pos_integer},
          ends: :queue.queue({seq, PgEtf.Lsn.t()}),
          flushed: PgEtf.Lsn.t() | nil
        }

  # next     the number of the next message
  # low      the lowest number that is not acknowledged
  # done     those that are, from the block of low on
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
    done = mark(seqs, low, next, nil, 0, done)
    {low, done} = advance(low, Map.get(done, block(low), 0), done)
    confirm(%{tracker | low: low, done: done})
  end

  @doc "How many messages are handed out and not acknowledged."
  @spec in_flight(t) :: non_neg_integer
  def in_flight(%AckTracker{next: next, low: low, done: done}) do
    below_low = if is_map_key(done, block(low)), do: place(low), else: 0
    acknowledged = for {_, bits} <- done, reduce: 0, do: (sum -> sum + ones(bits))
    next - low - (acknowledged - below_low)
  end

  # Acknowledgements come in runs, so the bits of a block are gathered first.
  defp mark([seq | seqs], low, next, block, bits, done) when seq >= low and seq < next do
    case block(seq) do
      ^block -> mark(seqs, low, next, block, bits ||| bit(seq), done)
      other -> mark(seqs, low, next, other, bit(seq), put(done, block, bits))
    end
  end

  defp mark([_ | seqs], low, next, block, bits, done) do
    mark(seqs, low, next, block, bits, done)
  end

  defp mark([], _low, _next, block, bits, done), do: put(done, block, bits)

  defp put(done, nil, 0), do: done

  defp put(done, block, bits) do
    case done do
      %{^block => there} -> %{done | block => there ||| bits}
      %{} -> Map.put(done, block, bits)
    end
  end

  defp advance(low, bits, done) when (bits &&& bit(low)) == 0, do: {low, done}

  defp advance(low, _bits, done) when place(low) == @block - 1 do
    done = Map.delete(done, block(low))
    advance(low + 1, Map.get(done, block(low + 1), 0), done)
  end

  defp advance(low, bits, done), do: advance(low + 1, bits, done)

  defp ones(0), do: 0
  defp ones(bits), do: 1 + ones(bits &&& bits - 1)

  defp confirm(%AckTracker{low: low, ends: ends} = tracker) do
    case :queue.peek(ends) do
      {:value, {seq, lsn}} when seq <= low ->
        confirm(%{tracker | ends: :queue.drop(ends), flushed: lsn})

      _ ->
        tracker
    end
  end
end
