defmodule PgEtf.Stream.BackfillsKept do
  @moduledoc false
  # Backfills that were asked for and have not ended, as whoever reads the slot finds them:
  # on the server, once the program has the slot; or by the functions of `backfill_store`,
  # before it starts.
  #
  # One that this node knows and that is not there any more has ended on another one.

  alias PgEtf.{Backfill, Error}
  alias PgEtf.Backfill.Request
  alias PgEtf.Stream.{Backfills, BackfillStore, Flush, Log, MovedKeys, Reads, State}

  require Logger

  @doc "Reads what the functions of `backfill_store` have."
  @spec load(State.t()) :: {:ok, State.t()} | {:error, Error.t()}
  def load(%State{opts: opts} = session) do
    with {:ok, kept} <- BackfillStore.load(opts) do
      session = if opts[:backfill_store] == :server, do: session, else: take_all(session, kept)
      {:ok, Backfills.publish(session)}
    end
  end

  defp take_all(session, kept) do
    states = for {id, {_request, state}} <- kept, state != "", into: %{}, do: {id, state}
    session = found(session, Map.keys(kept))
    session = %{session | backfills: %{session.backfills | states: states}}

    for {id, {request, _state}} <- kept, id != Request.snapshot(), reduce: session do
      session -> find(session, id, request)
    end
  end

  @doc """
  Whether the program was told what is not true any more: another node has read the slot
  since.
  """
  @spec outdated?(State.t()) :: boolean | {:error, Error.t()}
  def outdated?(%State{opts: opts, backfills: backfills}) do
    with {:ok, kept} <- BackfillStore.load(opts) do
      known = for id <- backfills.kept, into: backfills.states, do: {id, state(backfills, id)}
      opts[:backfill_store] != :server and known != Map.new(kept, &state_of/1)
    end
  end

  defp state(backfills, id), do: Map.get(backfills.states, id, "")
  defp state_of({id, {_request, state}}), do: {id, state}

  @doc "Keeps a request that is new; on the server the program does, before it starts it."
  @spec put(State.t(), Backfill.id(), map) :: {:ok, State.t()} | {:error, Error.t()}
  def put(%State{opts: opts} = session, id, request) do
    if opts[:backfill_store] == :server do
      {:ok, session}
    else
      with :ok <- BackfillStore.save(opts, id, request, ""), do: {:ok, mark(session, id)}
    end
  end

  @doc "Forgets one that was stopped."
  @spec drop(State.t(), Backfill.id()) :: {:ok | {:error, Error.t()}, State.t()}
  def drop(%State{opts: opts} = session, id), do: {BackfillStore.delete(opts, id), session}

  @doc "It is kept: another life, or another node, finds it."
  @spec mark(State.t(), Backfill.id()) :: State.t()
  def mark(%State{backfills: backfills} = session, id) do
    if id == Request.snapshot(),
      do: session,
      else: %{session | backfills: %{backfills | kept: MapSet.put(backfills.kept, id)}}
  end

  @doc "Takes one that the program has found on the server."
  @spec take(State.t(), Backfill.id(), binary) :: State.t()
  def take(session, id, binary) do
    case BackfillStore.read_request(binary) do
      {:ok, request} ->
        session |> find(id, request) |> Backfills.publish() |> Backfills.start(id)

      :error ->
        Logger.warning("#{Log.label(session.opts)}: backfill #{id} is not one of this version")
        session
    end
  end

  @doc "These are all there are: the others have ended elsewhere."
  @spec found(State.t(), [Backfill.id()]) :: State.t()
  def found(%State{backfills: %Backfills{kept: kept, told: told}} = session, ids) do
    for id <- kept, id not in ids, id not in told, reduce: session do
      session -> Backfills.finish(session, id, %{status: :finished})
    end
  end

  @doc "Others there are not, or nobody can know."
  @spec known(State.t()) :: State.t()
  def known(%State{inbox: inbox} = session) do
    keys = MovedKeys.told(inbox.keys, inbox.reads)
    Flush.soon(%{session | inbox: %{inbox | keys: keys, reads: Reads.known(inbox.reads)}})
  end

  defp find(%State{backfills: backfills} = session, id, request) do
    if is_map_key(backfills.requests, id),
      do: mark(session, id),
      else: mark(%{session | backfills: Backfills.ask(backfills, id, request)}, id)
  end
end
