defmodule PgEtf.Stream.Backfills do
  @moduledoc false
  # Tables that are read beside a stream: what users ask for, and what the program is told.
  # What that tells is in PgEtf.Stream.BackfillReports.
  #
  # A request is sent to each program until its backfill has ended: what is done of it is
  # kept on the server, or by the functions of `backfill_store`.

  alias PgEtf.{Backfill, Error, Telemetry}
  alias PgEtf.Backfill.Request
  alias PgEtf.Stream.{AckTracker, BackfillStore, Directory, Reads, State, Status}
  alias __MODULE__

  import State, only: [runs: 1]

  # Milliseconds until a program is told again that did not take its commands.
  @pause 50
  # Those that have ended are shown until there are so many.
  @most 100

  # list      what users see, by id
  # requests  those that have not ended, by id
  # states    what the program wants to be kept of them, without a store on the server
  # outbox    commands that the program has not taken, oldest first
  # open      when chunks were opened, or came first; closed: facts about them, until they are done
  # retries   of chunks, by id
  defstruct list: %{},
            requests: %{},
            states: %{},
            outbox: [],
            open: %{},
            closed: %{},
            retries: %{}

  @type t :: %Backfills{}

  @doc "Those that the options ask for."
  @spec new(keyword) :: t
  def new(opts) do
    case Request.snapshot!(opts[:snapshot]) do
      nil -> %Backfills{}
      request -> ask(%Backfills{}, Request.snapshot(), request)
    end
  end

  defp ask(%Backfills{list: list} = backfills, id, request) do
    list = if map_size(list) < @most, do: list, else: Map.filter(list, &open?/1)
    list = Map.put(list, id, %Backfill{id: id, mode: request.mode})
    %{backfills | list: list, requests: Map.put(backfills.requests, id, request)}
  end

  ## A program starts

  @doc "Whether the program has to wait with its stream: a snapshot comes before it."
  @spec first?(State.t()) :: boolean
  def first?(%State{backfills: %Backfills{requests: requests}}) do
    match?(%{mode: :exact}, requests[Request.snapshot()])
  end

  @doc "What belongs to one program, empty."
  @spec reset(t) :: t
  def reset(%Backfills{list: list} = backfills) do
    list =
      Map.new(list, fn {id, backfill} ->
        {id, if(backfill.status == :running, do: %{backfill | status: :waiting}, else: backfill)}
      end)

    %{backfills | list: list, outbox: [], open: %{}, closed: %{}}
  end

  defp open?({_id, %Backfill{status: status}}), do: status in [:waiting, :running, :paused]

  @doc "Reads what is kept of those that have not ended, in an earlier life perhaps."
  @spec load(State.t()) :: {:ok, State.t()} | {:error, Error.t()}
  def load(%State{backfills: backfills} = session) do
    with {:ok, kept} <- BackfillStore.load(session.opts) do
      states = Map.new(kept, fn {id, {_request, state}} -> {id, state} end)
      known = [Request.snapshot() | Map.keys(backfills.requests)]

      backfills =
        for {id, {request, _state}} <- Map.drop(kept, known), reduce: backfills do
          backfills -> ask(backfills, id, request)
        end

      {:ok, publish(%{session | backfills: %{backfills | states: states}})}
    end
  end

  @doc "Tells a program that has been started what to read: what comes first, first."
  @spec started(State.t()) :: State.t()
  def started(%State{backfills: %{requests: requests}} = session) when requests == %{},
    do: session

  def started(%State{backfills: backfills} = session) do
    {first, others} = Map.split(backfills.requests, [Request.snapshot()])

    Enum.reduce(Map.to_list(first) ++ Map.to_list(others), session, fn {id, request}, session ->
      session = tell(session, {:backfill, id, with_state(request, id, session)})

      if backfills.list[id].status == :paused,
        do: tell(session, {:backfill_pause, id}),
        else: session
    end)
  end

  # That a snapshot is done is known for ever; of others nothing is kept beyond the end.
  defp with_state(request, id, %State{opts: opts, backfills: backfills}) do
    case {opts[:backfill_store], backfills.states[id]} do
      {:server, _} -> Map.merge(request, %{store: :server, once: id != Request.snapshot()})
      {_, nil} -> Map.put(request, :store, :consumer)
      {_, state} -> Map.merge(request, %{store: :consumer, state: state})
    end
  end

  ## Commands

  @doc "Sends what a packet of frames has led to."
  @spec tell(State.t()) :: State.t()
  def tell(%State{inbox: %{reads: nil}} = session), do: session
  def tell(%State{inbox: %{reads: %Reads{told: []}}} = session), do: session

  def tell(%State{inbox: inbox} = session) do
    {commands, reads} = Reads.take_told(inbox.reads)
    Enum.reduce(commands, %{session | inbox: %{inbox | reads: reads}}, &tell(&2, &1))
  end

  # In order: what waits goes first.
  @spec tell(State.t(), tuple) :: State.t()
  def tell(%State{backfills: backfills} = session, command) do
    send_all(%{session | backfills: %{backfills | outbox: backfills.outbox ++ [command]}})
  end

  @doc "Sends what the program did not take at first."
  @spec send_all(State.t()) :: State.t()
  def send_all(%State{backfills: %{outbox: [command | rest]} = backfills} = session)
      when runs(session) do
    case session.client.command(session.conn, command) do
      :ok ->
        send_all(%{session | backfills: %{backfills | outbox: rest}})

      :busy ->
        State.schedule(session, :backfills, @pause)
        session
    end
  end

  def send_all(session), do: session

  @doc "Whether a position may be confirmed: what was sent before it may be needed for it."
  @spec told?(State.t()) :: boolean
  def told?(%State{backfills: %Backfills{outbox: outbox}}), do: outbox == []

  @doc "Tells the program of chunks that are done."
  @spec confirm(State.t()) :: State.t()
  def confirm(%State{inbox: %{tracker: %AckTracker{chunks: []}}} = session), do: session

  def confirm(%State{inbox: inbox} = session) do
    {chunks, tracker} = AckTracker.take_chunks(inbox.tracker)
    session = Status.recovered(%{session | inbox: %{inbox | tracker: tracker}})
    Enum.reduce(chunks, session, &done/2)
  end

  # One that was closed twice is done once.
  defp done({:chunk, id, number} = chunk, %State{backfills: backfills} = session) do
    case Map.pop(backfills.closed, {id, number}) do
      {nil, _closed} -> session
      {facts, closed} -> done(chunk, facts, %{session | backfills: %{backfills | closed: closed}})
    end
  end

  defp done({:chunk, id, number}, %{at: at} = facts, session) do
    measurements = facts |> Map.delete(:at) |> Map.put(:duration, now() - at)
    Telemetry.execute(session.opts, [:backfill, :chunk], measurements, %{id: id, chunk: number})
    tell(session, {:backfill_done, id, number})
  end

  defp now, do: System.monotonic_time()

  ## What users ask for

  @doc "Does what a user asks for."
  @spec command(State.t(), tuple) :: {:ok | {:ok, Backfill.id()} | {:error, Error.t()}, State.t()}
  def command(%State{backfills: backfills} = session, {:start, id, request}) do
    if is_map_key(backfills.requests, id) do
      {refused("backfill #{inspect(id)} has not ended"), session}
    else
      session = publish(%{session | backfills: ask(backfills, id, request)})
      command = {:backfill, id, with_state(request, id, session)}
      session = if runs(session), do: tell(session, command), else: session
      {{:ok, id}, session}
    end
  end

  def command(%State{backfills: backfills} = session, {command, id}) do
    cond do
      not is_map_key(backfills.requests, id) ->
        {refused("there is no backfill #{inspect(id)} that has not ended"), session}

      command == :stop and not runs(session) ->
        {:ok, finish(session, id, %{status: :stopped})}

      true ->
        {:ok, session |> tell({name(command), id}) |> marked(id, command)}
    end
  end

  defp name(:stop), do: :backfill_stop
  defp name(:pause), do: :backfill_pause
  defp name(:resume), do: :backfill_resume

  defp marked(session, id, :pause), do: update(session, id, %{status: :paused})

  defp marked(%State{inbox: %{reads: reads}} = session, id, :resume) do
    running? = match?(%Reads{runs: %{^id => _}}, reads)
    update(session, id, %{status: if(running?, do: :running, else: :waiting)})
  end

  defp marked(session, _id, :stop), do: session

  defp refused(message) do
    hint = "PgEtf.backfills/1 lists those that there are."
    {:error, %Error{class: :config, message: message, hint: hint}}
  end

  ## What users see

  @doc "Changes what is shown of a backfill."
  @spec update(State.t(), Backfill.id(), map) :: State.t()
  def update(%State{backfills: %{list: list} = backfills} = session, id, facts) do
    backfill = struct!(list[id] || %Backfill{id: id, mode: facts[:mode]}, facts)
    publish(%{session | backfills: %{backfills | list: Map.put(list, id, backfill)}})
  end

  @doc "The same, and it has ended."
  @spec finish(State.t(), Backfill.id(), map) :: State.t()
  def finish(session, id, facts) do
    session = update(session, id, facts)

    %{
      session
      | backfills: %{session.backfills | requests: Map.delete(session.backfills.requests, id)}
    }
  end

  defp publish(%State{backfills: %{list: list}} = session) do
    list |> Map.values() |> Enum.sort_by(& &1.id) |> Directory.publish_backfills()
    session
  end
end
