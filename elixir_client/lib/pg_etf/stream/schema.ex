defmodule PgEtf.Stream.Schema do
  @moduledoc false
  # What a stream knows of changes of tables: the history that others ask for, where it is
  # stored, and where the stream has halted and was resumed.
  #
  # The decoder puts each change into the history, and it outlasts the incarnation; see
  # PgEtf.Stream.Halt for where the stream halts.

  alias PgEtf.Decode.Atoms
  alias PgEtf.{Error, Relation, SchemaHistory}
  alias PgEtf.Stream.{Callback, Directory, Halt, Inbox, Refill, State, Status}

  @version 1

  @doc "Asks for what is stored, once."
  @spec load(State.t()) :: {:ok, State.t()} | {:error, Error.t()}
  def load(%State{history: %SchemaHistory{}} = session), do: {:ok, session}

  def load(%State{opts: opts} = session) do
    case opts[:schema_store] do
      nil -> {:ok, %{session | history: SchemaHistory.new()}}
      {load, _save} -> opts |> Callback.run(load) |> loaded(session)
    end
  end

  defp loaded({:ok, stored}, session) do
    case read(stored) do
      {%SchemaHistory{} = history, resumed, pending} ->
        publish(history, SchemaHistory.all_names(history))
        {:ok, Refill.resume(%{session | history: history, resumed: resumed}, pending)}

      :error ->
        message = "schema_store returned what it was not given"
        {:error, %Error{class: :exception, message: message, details: %{reason: :schema_store}}}
    end
  end

  defp loaded(exception, _session), do: {:error, failed(exception)}

  defp read(nil), do: {SchemaHistory.new(), [], %{}}

  defp read(stored) when is_binary(stored) do
    Enum.each([Relation, Relation.Column], &Code.ensure_loaded/1)

    case Atoms.read(stored) do
      {:ok, {@version, %SchemaHistory{} = history, resumed, pending}} ->
        {history, resumed, pending}

      _ ->
        :error
    end
  end

  defp read(_stored), do: :error

  defp save(%State{opts: opts} = session) do
    with {_load, save} <- opts[:schema_store],
         stored = write(session),
         {_kind, _reason, _stacktrace} = exception <- Callback.run(opts, fn -> save.(stored) end) do
      {:error, failed(exception)}
    else
      _ -> {:ok, session}
    end
  end

  defp write(%State{history: history, resumed: resumed} = session) do
    :erlang.term_to_binary({@version, history, resumed, Refill.pending(session)}, [:compressed])
  end

  defp failed(exception), do: Error.exception_in("schema_store", exception)

  @doc "Takes what the frames of a packet have said, before anything of them is handed out."
  @spec note(State.t()) :: {:ok, State.t()} | {:again, Error.t()}
  def note(%State{inbox: %Inbox{altered: []}} = session), do: {:ok, session}

  def note(%State{inbox: inbox} = session) do
    history = inbox.decoder.history
    names = Enum.flat_map(inbox.altered, &SchemaHistory.names(history, &1))
    publish(history, Enum.uniq(names))

    session = %{session | history: history, inbox: %{inbox | altered: []}}

    case session |> Refill.start(Enum.reverse(inbox.altered)) |> save() do
      {:ok, session} -> {:ok, session}
      {:error, error} -> {:again, error}
    end
  end

  defp publish(history, names) do
    for name <- names, do: Directory.publish_schema(name, SchemaHistory.only(history, name))
    :ok
  end

  @doc "What `PgEtf.schema/3` answers."
  @spec find(pid, String.t(), PgEtf.Lsn.t() | SchemaHistory.place()) ::
          {:ok, PgEtf.Relation.t() | nil} | :unknown
  def find(stream, name, at) do
    case Directory.read_schema(stream, name) do
      nil -> :unknown
      history -> SchemaHistory.at(history, name, at)
    end
  end

  ## Halts

  @doc "The stream has halted if everything before a halt was taken."
  @spec halt(State.t()) :: State.t()
  def halt(%State{inbox: %Inbox{halt: nil}} = session), do: session
  def halt(%State{held: status} = session) when status != nil, do: session
  def halt(%State{inbox: inbox} = session), do: Status.held(session, Halt.error(inbox.halt))

  @doc "Continues behind the change at which it has halted."
  @spec resume(State.t()) :: {:ok, State.t()} | {:error, Error.t()}
  def resume(%State{inbox: inbox, flushed: flushed} = session) do
    open = Enum.filter(session.resumed, fn {lsn, _} -> flushed == nil or lsn >= flushed end)
    session = %{session | resumed: [Halt.place(inbox.halt) | open]}

    with {:ok, session} <- save(session) do
      {:ok, Status.released(%{session | inbox: Inbox.go_on(inbox, session.resumed)})}
    end
  end
end
