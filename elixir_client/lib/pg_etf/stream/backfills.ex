defmodule PgEtf.Stream.Backfills do
  @moduledoc false
  # Tables that are read beside a stream: what users ask for, and what the program is told.
  # What that tells is in PgEtf.Stream.BackfillReports.
  #
  # A request is sent to each program until its backfill has ended: what is done of it is
  # kept on the server, or by the functions of `backfill_store`. So is the request itself,
  # for whoever reads the slot next. This node may do so again later, and others meanwhile:
  # what is kept of a request is asked for again as it is found there, see
  # PgEtf.Stream.BackfillsKept.

  alias PgEtf.{Backfill, Error, Telemetry}
  alias PgEtf.Backfill.Request

  alias PgEtf.Stream.{
    AckTracker,
    BackfillsKept,
    BackfillStore,
    Directory,
    Inbox,
    MovedKeys,
    Reads,
    State,
    Status
  }

  alias __MODULE__

  import State, only: [runs: 1]

  # Milliseconds until a program is told again that did not take its commands.
  @pause 50
  # Those that have ended are shown until there are so many.
  @most 100

  # list      what users see, by id
  # requests  those that have not ended, by id
  # kept      of these, ids of those that another life or node finds
  # told      and of those that this program knows
  # stops     and of those that it is to stop
  # states    what the program wants to be kept of them, without a store on the server
  # closing   the same with the chunk that is closed next, by id
  # outbox    commands that the program has not taken, oldest first
  # open      when chunks were opened, or came first; closed: facts about them, until they are done
  # retries   of chunks, by id
  defstruct list: %{},
            requests: %{},
            kept: MapSet.new(),
            told: MapSet.new(),
            stops: MapSet.new(),
            states: %{},
            closing: %{},
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

  @doc "Another one is asked for."
  @spec ask(t, Backfill.id(), map) :: t
  def ask(%Backfills{list: list} = backfills, id, request) do
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

    %{
      backfills
      | list: list,
        told: MapSet.new(),
        closing: %{},
        outbox: [],
        open: %{},
        closed: %{}
    }
  end

  defp open?({_id, %Backfill{status: status}}), do: status in [:waiting, :running, :paused]

  @doc "Tells a program that has been started what to read: what comes first, first."
  @spec started(State.t()) :: State.t()
  def started(%State{backfills: backfills} = session) do
    {first, others} = backfills.requests |> Map.keys() |> Enum.split_with(&snapshot?/1)

    for id <- first ++ others, not awaited?(session, id), reduce: session do
      session -> start(session, id)
    end
  end

  # What is kept on the server is asked for once the program has found it there.
  defp awaited?(%State{opts: opts, backfills: backfills}, id) do
    opts[:backfill_store] == :server and id in backfills.kept and id not in backfills.stops
  end

  defp snapshot?(id), do: id == Request.snapshot()

  @doc "Tells the program of one, if it does not know of it."
  @spec start(State.t(), Backfill.id()) :: State.t()
  def start(%State{backfills: backfills} = session, id) do
    if id in backfills.told do
      session
    else
      told = MapSet.put(backfills.told, id)
      session = %{session | backfills: %{backfills | told: told}}
      request = with_state(backfills.requests[id], id, session)

      session
      |> tell({:backfill, id, request})
      |> tell_moved(id)
      |> tell_if(backfills.list[id].status == :paused, {:backfill_pause, id})
      |> tell_if(id in backfills.stops, {:backfill_stop, id})
    end
  end

  defp tell_moved(%State{inbox: inbox} = session, id) do
    tell(%{session | inbox: %{inbox | reads: Reads.ask(inbox.reads, id)}})
  end

  defp tell_if(session, true, command), do: tell(session, command)
  defp tell_if(session, false, _command), do: session

  # That a snapshot is done is known for as long as its slot may be read; of others nothing is
  # kept beyond the end.
  defp with_state(request, id, %State{opts: opts, backfills: backfills}) do
    case {opts[:backfill_store], backfills.states[id]} do
      {:server, _} -> Map.merge(request, at_server(request, id, opts))
      {_, nil} -> Map.merge(request, at_consumer(request, opts))
      {_, state} -> request |> Map.merge(at_consumer(request, opts)) |> Map.put(:state, state)
    end
  end

  # Whoever takes transactions can keep the state of a chunk together with its rows.
  defp at_consumer(%{mode: mode}, opts) do
    if mode == :incremental and opts[:unit] == :transaction,
      do: %{store: :consumer, close_state: true},
      else: %{store: :consumer}
  end

  defp at_server(request, id, opts) do
    if snapshot?(id),
      do: %{store: :server, once: opts[:create_slot] == :temporary},
      else: %{store: :server, once: true, request: BackfillStore.write_request(request)}
  end

  ## Commands

  @doc "Sends what a packet of frames has led to."
  @spec tell(State.t()) :: State.t()
  def tell(%State{inbox: %{reads: nil}} = session), do: session
  def tell(%State{inbox: %{reads: %Reads{told: []}}} = session), do: session

  def tell(%State{inbox: inbox} = session) do
    {commands, reads} = Reads.take_told(inbox.reads)
    inbox = %{inbox | reads: reads, keys: MovedKeys.sent(inbox.keys, commands)}
    Enum.reduce(commands, %{session | inbox: inbox}, &tell(&2, &1))
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
  def told?(%State{backfills: %Backfills{outbox: outbox}, inbox: inbox}) do
    outbox == [] and not Reads.holds?(inbox.reads)
  end

  @doc "An inbox that notes what moves until the program has found all that was asked for."
  @spec listen(Inbox.t(), keyword) :: Inbox.t()
  def listen(inbox, opts) do
    if opts[:backfill_store] == :server, do: %{inbox | reads: Reads.unknown()}, else: inbox
  end

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
    Telemetry.execute(session.source, [:backfill, :chunk], measurements, %{id: id, chunk: number})
    tell(session, {:backfill_done, id, number})
  end

  defp now, do: System.monotonic_time()

  ## What users ask for

  @doc "Does what a user asks for."
  @spec command(State.t(), tuple) :: {:ok | {:ok, Backfill.id()} | {:error, Error.t()}, State.t()}
  def command(%State{backfills: backfills} = session, {:start, id, request}) do
    case backfills.requests do
      %{^id => known} ->
        if BackfillStore.same?(known, request),
          do: {{:ok, id}, session},
          else: {refused("another backfill #{inspect(id)} has not ended"), session}

      %{} ->
        begin(session, id, request)
    end
  end

  def command(%State{backfills: backfills} = session, {command, id}) do
    cond do
      not is_map_key(backfills.requests, id) ->
        {refused("there is no backfill #{inspect(id)} that has not ended"), session}

      command == :stop ->
        stop(session, id)

      id in backfills.told ->
        {:ok, session |> tell({name(command), id}) |> marked(id, command)}

      true ->
        {:ok, marked(session, id, command)}
    end
  end

  defp begin(%State{backfills: backfills} = session, id, request) do
    asked = publish(%{session | backfills: ask(backfills, id, request)})

    case BackfillsKept.put(asked, id, request) do
      {:ok, asked} -> {{:ok, id}, if(runs(asked), do: start(asked, id), else: asked)}
      {:error, error} -> {{:error, error}, publish(session)}
    end
  end

  # What is kept of it has to go, too.
  defp stop(%State{opts: opts, backfills: backfills} = session, id) do
    cond do
      id in backfills.told ->
        {:ok, tell(session, {:backfill_stop, id})}

      opts[:backfill_store] == :server and id in backfills.kept ->
        session = %{session | backfills: %{backfills | stops: MapSet.put(backfills.stops, id)}}
        {:ok, if(runs(session), do: start(session, id), else: session)}

      true ->
        BackfillsKept.drop(finish(session, id, %{status: :stopped}), id)
    end
  end

  defp name(:pause), do: :backfill_pause
  defp name(:resume), do: :backfill_resume

  defp marked(session, id, :pause), do: update(session, id, %{status: :paused})

  defp marked(%State{inbox: %{reads: reads}} = session, id, :resume) do
    running? = match?(%Reads{runs: %{^id => _}}, reads)
    update(session, id, %{status: if(running?, do: :running, else: :waiting)})
  end

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
    %State{backfills: backfills} = session = update(session, id, facts)

    %{
      session
      | backfills: %{
          backfills
          | requests: Map.delete(backfills.requests, id),
            kept: MapSet.delete(backfills.kept, id),
            told: MapSet.delete(backfills.told, id),
            closed: Map.reject(backfills.closed, fn {{of, _}, _} -> of == id end),
            stops: MapSet.delete(backfills.stops, id)
        }
    }
  end

  @doc "Shows them to users."
  @spec publish(State.t()) :: State.t()
  def publish(%State{backfills: %{list: list}} = session) do
    list |> Map.values() |> Enum.sort_by(& &1.id) |> Directory.publish_backfills()
    session
  end
end
