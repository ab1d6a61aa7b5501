defmodule PgEtf.Stream.MovedKeys do
  @moduledoc false
  # Which changes wait until the program has kept the keys of rows that moved in them.
  #
  # A backfill reads such rows at its end. The slot's position waits for that by itself;
  # a position that the consumer stores is gone from our hands with the change, so the
  # change is not handed out before. Commands that tell of keys are counted since the
  # program started, and so does the program: see docs/port.md.
  #
  # Pure data, owned by PgEtf.Stream.Inbox.

  alias PgEtf.Stream.Reads
  alias __MODULE__

  # sent   commands that were sent to the program, or wait for it
  # kept   of these, the program has kept all keys
  # least  so many have to be: what moved before it was known what is read came with them
  # last   what the last changes wait for; nil: none did
  defstruct sent: 0, kept: 0, least: 0, last: nil

  @type t :: %MovedKeys{}

  @doc "What changes have to wait for that led from these reads to those; nil: nothing."
  @spec moved(t, Reads.t() | nil, Reads.t() | nil) :: non_neg_integer | nil
  def moved(_keys, nil, _reads), do: nil

  def moved(keys, before, reads) do
    if Reads.noted(reads) != Reads.noted(before) or Reads.moves(reads) > Reads.moves(before),
      do: keys.sent + Reads.moves(reads)
  end

  @doc "Changes wait for so many commands."
  @spec await(t, non_neg_integer) :: t
  def await(keys, number), do: %{keys | last: number}

  @doc "These commands are sent to the program."
  @spec sent(t, [tuple]) :: t
  def sent(keys, commands), do: %{keys | sent: keys.sent + Reads.moves(commands)}

  @doc "The program was told all that was noted."
  @spec told(t, Reads.t() | nil) :: t
  def told(keys, reads), do: %{keys | least: keys.sent + Reads.moves(reads)}

  @doc "The program has kept the keys of so many commands."
  @spec kept(t, non_neg_integer) :: t
  def kept(keys, number), do: %{keys | kept: max(number, keys.kept)}

  @doc "Whether changes may be handed out that have to wait for so many."
  @spec kept?(t, Reads.t() | nil, non_neg_integer) :: boolean
  def kept?(_keys, nil, _number), do: true

  def kept?(keys, reads, number) do
    Reads.noted(reads) == nil and keys.kept >= max(number, keys.least)
  end

  @doc "Whether any changes wait."
  @spec awaited?(t, Reads.t() | nil) :: boolean
  def awaited?(%MovedKeys{last: nil}, _reads), do: false
  def awaited?(%MovedKeys{last: last} = keys, reads), do: not kept?(keys, reads, last)
end
