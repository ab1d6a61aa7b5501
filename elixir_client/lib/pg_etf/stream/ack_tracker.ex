defmodule PgEtf.Stream.AckTracker do
  @moduledoc false
  # Messages are acknowledged in any order; the slot may only move over a closed
  # prefix. Every message handed out has a number of its own, and a transaction
  # ends at the number after its last message. So does a chunk of a table that is read:
  # no position depends on it, but it is done when it is in the prefix.
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
  @type chunk :: {:chunk, id :: String.t(), number :: non_neg_integer}
  @type mark :: PgEtf.Lsn.t() | chunk

  @type t :: %AckTracker{
          next: seq,
          low: seq,
          done: %{optional(block :: non_neg_integer) => bits :: pos_integer},
          ends: :queue.queue({seq, mark}),
          flushed: PgEtf.Lsn.t() | nil,
          chunks: [chunk]
        }

  # next     the number of the next message
  # low      the lowest number that is not acknowledged
  # done     those that are, from the block of low on
  # ends     transactions and chunks that are not confirmed, oldest first: where each ends
  # flushed  the end of the last transaction below low
  # chunks   those that are below low, until they are taken; the last one first
  defstruct next: 0, low: 0, done: %{}, ends: :queue.new(), flushed: nil, chunks: []

  @spec new() :: t
  def new, do: %AckTracker{}

  @doc "Numbers messages that are being delivered; returns the number of the first."
  @spec open(t, pos_integer) :: {seq, t}
  def open(%AckTracker{next: next} = tracker, count \\ 1) do
    {next, %{tracker | next: next + count}}
  end

  @doc "Ends a transaction or chunk after the last message that was opened."
  @spec close(t, mark) :: t
  def close(%AckTracker{} = tracker, mark) do
    confirm(%{tracker | ends: :queue.in({tracker.next, mark}, tracker.ends)})
  end

  @doc "The chunks that are done, each once."
  @spec take_chunks(t) :: {[chunk], t}
  def take_chunks(%AckTracker{chunks: chunks} = tracker) do
    {:lists.reverse(chunks), %{tracker | chunks: []}}
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
    acknowledged = for bits <- :maps.values(done), reduce: 0, do: (sum -> sum + ones(bits))
    next - low - (acknowledged - below_low)
  end

  # Acknowledgements come in runs, so the bits of a block are gathered first.
  defp mark([seq | seqs], low, next, block, bits, done) when seq >= low and seq < next do
    case block(seq) do
      ^block -> mark(seqs, low, next, block, bits ||| bit(seq), done)
      other -> mark(seqs, low, next, other, bit(seq), store_bits(done, block, bits))
    end
  end

  defp mark([_ | seqs], low, next, block, bits, done) do
    mark(seqs, low, next, block, bits, done)
  end

  defp mark([], _low, _next, block, bits, done), do: store_bits(done, block, bits)

  defp store_bits(done, nil, 0), do: done

  defp store_bits(done, block, bits) do
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

  # Asked for with each message: ones of pairs, of four bits, of bytes, of all.
  defp ones(bits) do
    bits = bits - (bits >>> 1 &&& 0x55555555)
    bits = (bits &&& 0x33333333) + (bits >>> 2 &&& 0x33333333)
    bits = bits + (bits >>> 4) &&& 0x0F0F0F0F
    (bits * 0x01010101) >>> 24 &&& 0xFF
  end

  defp confirm(%AckTracker{low: low, ends: ends} = tracker) do
    case :queue.peek(ends) do
      {:value, {seq, lsn}} when seq <= low and is_integer(lsn) ->
        confirm(%{tracker | ends: :queue.drop(ends), flushed: later(lsn, tracker.flushed)})

      {:value, {seq, chunk}} when seq <= low ->
        confirm(%{tracker | ends: :queue.drop(ends), chunks: [chunk | tracker.chunks]})

      _ ->
        tracker
    end
  end

  # What was prepared late ends before what is confirmed: see docs/port.md.
  defp later(lsn, flushed) when flushed == nil or lsn > flushed, do: lsn
  defp later(_lsn, flushed), do: flushed
end
