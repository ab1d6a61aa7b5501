defmodule PgEtf.Stream.FrameOrder do
  @moduledoc false
  # The order of the frames of a stream. After a reconnect inside a transaction it is
  # repeated from its first event.

  alias PgEtf.{Frame, Lsn}

  @typedoc "The transaction that is not complete, and the index of its next change."
  @type t :: {Lsn.t(), non_neg_integer} | nil

  @doc "How many changes of a frame have come before."
  @spec seen(t, term) :: non_neg_integer
  def seen({commit_lsn, next}, {tag, _, {_, commit_lsn, _, _}, _, _, _, _})
      when tag in [:tx, :prepare],
      do: next

  def seen(_partial, _term), do: 0

  @doc "Anything else would lose changes, or put them into another transaction."
  @spec check(t, Frame.t()) :: :ok | {:error, String.t()}
  def check(nil, %Frame{part: part, first_index: 0}) when part in [:whole, :first], do: :ok

  def check({commit_lsn, next}, %Frame{commit_lsn: commit_lsn, first_index: first})
      when first <= next,
      do: :ok

  def check(partial, frame) do
    {:error, "a frame out of order: #{place(frame)}, after #{place(partial)}"}
  end

  defp place(nil), do: "the end of a transaction"
  defp place({commit_lsn, next}), do: "#{Lsn.to_string(commit_lsn)} up to #{next}"

  defp place(%Frame{} = frame) do
    "#{frame.part} of #{Lsn.to_string(frame.commit_lsn)} from #{frame.first_index}"
  end

  @doc "What is not complete behind a frame."
  @spec next(t, Frame.t()) :: t
  def next(_partial, %Frame{part: part}) when part in [:whole, :last], do: nil

  def next({commit_lsn, next}, %Frame{commit_lsn: commit_lsn} = frame) do
    {commit_lsn, max(next, frame.first_index + frame.count)}
  end

  def next(_partial, frame), do: {frame.commit_lsn, frame.first_index + frame.count}
end
