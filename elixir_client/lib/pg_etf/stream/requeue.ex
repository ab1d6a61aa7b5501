defmodule PgEtf.Stream.Requeue do
  @moduledoc false
  # Messages that failed and are handed out again, each under the number that it has.
  #
  # Pure data: no process, no clock. The session owns the struct.

  alias PgEtf.Stream.{AckTracker, Inbox}
  alias __MODULE__

  # on?    the stream hands out again; without it nothing is kept
  # kept   what is handed out and not acknowledged, by its number
  # tries  how often each has failed, of those that have
  # ready  those whose pause is over
  defstruct on?: false, kept: %{}, tries: %{}, ready: []

  @type t :: %Requeue{}

  @spec new(keyword) :: t
  def new(opts), do: %Requeue{on?: opts[:on_failure] == :requeue}

  @doc "Keeps what is handed out: it may fail."
  @spec keep(t, [Inbox.item()]) :: t
  def keep(%Requeue{on?: false} = requeue, _items), do: requeue

  def keep(requeue, items) do
    kept = for {data, seq} <- items, into: requeue.kept, do: {seq, data}
    %{requeue | kept: kept}
  end

  @doc "Those numbers are acknowledged."
  @spec done(t, [AckTracker.seq()]) :: t
  def done(%Requeue{on?: false} = requeue, _seqs), do: requeue

  def done(requeue, seqs) do
    %{requeue | kept: Map.drop(requeue.kept, seqs), tries: Map.drop(requeue.tries, seqs)}
  end

  @doc "A message has failed; returns how often so far."
  @spec fail(t, AckTracker.seq()) :: {pos_integer, t}
  def fail(%Requeue{tries: tries} = requeue, seq) do
    tries = Map.update(tries, seq, 1, &(&1 + 1))
    {tries[seq], %{requeue | tries: tries}}
  end

  @spec data(t, AckTracker.seq()) :: term
  def data(%Requeue{kept: kept}, seq), do: kept[seq]

  @doc "The pause of these is over."
  @spec ready(t, [AckTracker.seq()]) :: t
  def ready(%Requeue{kept: kept} = requeue, seqs) do
    items = for seq <- seqs, is_map_key(kept, seq), do: {kept[seq], seq}
    %{requeue | ready: requeue.ready ++ items}
  end

  @doc "Takes up to this many of those that are ready."
  @spec take(t, non_neg_integer) :: {[Inbox.item()], t}
  def take(%Requeue{ready: []} = requeue, _demand), do: {[], requeue}

  def take(requeue, demand) do
    {items, ready} = Enum.split(requeue.ready, demand)
    {items, %{requeue | ready: ready}}
  end

  @doc "Whether one has failed and is not acknowledged since."
  @spec open?(t) :: boolean
  def open?(%Requeue{tries: tries}), do: tries != %{}
end
