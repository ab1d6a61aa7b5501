defmodule PgEtf.Consumer.Held do
  @moduledoc false
  # What a callback has left for later, until it is acknowledged.
  #
  # It is known by its place, which whoever has handled it knows, and which is the same at
  # every delivery: an acknowledgement of an earlier incarnation of the stream says that
  # the same thing has been handled, and counts for the one that came again.
  #
  # Pure data. The rows are not kept.

  alias PgEtf.{Change, Prepared, Transaction}
  alias PgEtf.Stream.{AckTracker, Inbox}
  import Change, only: [is_counted: 1]
  alias __MODULE__

  # seqs  numbers by place. Changes of a table's definition share one: {commit_lsn, index}
  #       is that of the row that follows them.
  defstruct [:incarnation, seqs: %{}]

  @type t :: %Held{}
  @type place :: tuple

  @spec place(Change.t() | Transaction.t() | Prepared.t()) :: place
  # A row that is read again at another position is another one.
  def place(%Change{op: :read} = row) do
    {row.commit_lsn, row.backfill, {row.schema, row.table}, row.key}
  end

  def place(%Change{} = change), do: {change.commit_lsn, change.index, is_counted(change)}

  def place(%Transaction{} = part) do
    {part.commit_lsn, part.first_index, part.part, part.backfill}
  end

  def place(%Prepared{} = decision), do: {decision.lsn, decision.op}

  @doc "Keeps what an incarnation has handed out."
  @spec keep(t, reference, [Inbox.item()]) :: t
  def keep(%Held{incarnation: incarnation} = held, incarnation, items) do
    seqs =
      for {data, seq} <- items, reduce: held.seqs do
        seqs -> Map.update(seqs, place(data), [seq], &[seq | &1])
      end

    %{held | seqs: seqs}
  end

  def keep(_earlier, incarnation, items) do
    keep(%Held{incarnation: incarnation}, incarnation, items)
  end

  @doc "Takes what is there of these places, with its numbers."
  @spec take(t, reference, [place]) :: {[{place, AckTracker.seq()}], t}
  def take(%Held{incarnation: incarnation} = held, incarnation, places) do
    {taken, seqs} = Enum.reduce(places, {[], held.seqs}, &take_one/2)
    {taken, %{held | seqs: seqs}}
  end

  def take(_earlier, incarnation, _places), do: {[], %Held{incarnation: incarnation}}

  defp take_one(place, {taken, seqs}) do
    case seqs do
      %{^place => [seq]} -> {[{place, seq} | taken], Map.delete(seqs, place)}
      %{^place => [seq | others]} -> {[{place, seq} | taken], %{seqs | place => others}}
      %{} -> {taken, seqs}
    end
  end
end
