defmodule PgEtf.Stream.BackfillReports do
  @moduledoc false
  # What the program tells of tables that are read: see docs/port.md.

  alias PgEtf.{Backfill, Error, Telemetry}
  alias PgEtf.Backfill.Request
  alias PgEtf.Stream.{Backfills, BackfillsKept, BackfillStore, Log, Reading, Reads, State}

  require Logger

  # What reports have to say.
  @facts %{
    started: [:mode, :tables, :rows],
    round: [:lsn],
    open: [:chunk, :rel],
    there: [:chunk],
    close: [:chunk, :lsn],
    retry: [:chunk, :reason],
    table_again: [:table, :rel, :reason],
    table_failed: [:table],
    table_done: [:table, :rows, :bytes],
    progress: [:table, :rows, :bytes],
    finished: [:tables, :rows],
    stopped: [:tables, :rows]
  }
  # Those that only mean something once it has started.
  @later [:open, :there, :close, :retry, :table_again]

  @doc """
  Takes a report about a backfill. One that is not under way any more, or of which nobody
  knows, is of no interest: what is late is no reason to end a stream.
  """
  @spec report(State.t(), atom, Backfill.id(), term) :: {:ok, State.t()} | {:error, Error.t()}
  def report(%State{} = session, :state, id, state) when is_binary(state) do
    with %{} = request <- session.backfills.requests[id],
         :ok <- BackfillStore.save(session.opts, id, request, state) do
      {:ok, put_state(session, id, state)}
    else
      nil -> {:ok, session}
      error -> error
    end
  end

  def report(%State{backfills: backfills} = session, :close_state, id, state)
      when is_binary(state) do
    closing =
      case backfills.requests[id] do
        nil -> backfills.closing
        request -> Map.put(backfills.closing, id, BackfillStore.write(request, state))
      end

    {:ok, %{session | backfills: %{backfills | closing: closing}}}
  end

  def report(%State{} = session, :kept, id, request) when is_binary(request) do
    {:ok, BackfillsKept.take(session, id, request)}
  end

  def report(%State{} = session, what, id, details) do
    cond do
      not sound?(what, details) -> {:error, Error.protocol("an unknown packet")}
      not expected?(session, what, id) -> {:ok, ignored(session, what, id)}
      true -> take(session, what, id, details)
    end
  end

  defp take(%State{inbox: %{reads: reads} = inbox} = session, what, id, details) do
    case reads(what, reads, id, details, inbox) do
      :close -> {:ok, session |> close({id, details.chunk}, details) |> Backfills.tell()}
      reads -> %{session | inbox: %{inbox | reads: reads}} |> told(what, id, details) |> kept(id)
    end
  end

  defp sound?(what, %{} = details) do
    @facts |> Map.get(what, []) |> Enum.all?(&fact?(&1, details[&1]))
  end

  defp sound?(_what, _details), do: false

  defp fact?(:mode, mode), do: mode in [:exact, :incremental]
  defp fact?(:table, name), do: is_binary(name)
  defp fact?(:reason, reason), do: is_binary(reason) or is_atom(reason)
  defp fact?(_number, value), do: is_integer(value) and value >= 0

  defp expected?(%State{inbox: %{reads: reads}}, what, id) when what in @later do
    match?(%Reads{runs: %{^id => _}}, reads)
  end

  defp expected?(session, _what, id), do: is_map_key(session.backfills.requests, id)

  defp ignored(session, what, id) do
    tap(session, &log(&1, :debug, id, "is not under way: #{what} is ignored"))
  end

  defp put_state(%State{backfills: backfills} = session, id, state) do
    %{session | backfills: %{backfills | states: Map.put(backfills.states, id, state)}}
  end

  # The state of a snapshot says that it is done, whenever the stream starts; of others
  # nothing is left to do.
  defp kept(%State{backfills: backfills} = session, id) do
    if id != Request.snapshot() and is_map_key(backfills.states, id) and
         not is_map_key(backfills.requests, id) do
      session = %{session | backfills: %{backfills | states: Map.delete(backfills.states, id)}}
      with :ok <- BackfillStore.delete(session.opts, id), do: {:ok, session}
    else
      {:ok, session}
    end
  end

  # What it means for rows.
  defp reads(:started, reads, id, %{mode: :exact}, _), do: Reads.run(reads, id, {:exact, nil})
  defp reads(:started, reads, id, %{mode: mode}, _), do: Reads.run(reads, id, mode)
  defp reads(:round, reads, id, %{lsn: lsn}, _), do: Reads.run(reads, id, {:exact, lsn})

  defp reads(:open, reads, id, %{chunk: number, rel: rel}, inbox) do
    Reads.open(reads, {id, number}, rel, inbox.decoder)
  end

  defp reads(:there, reads, id, %{chunk: number}, _), do: Reads.there(reads, {id, number})
  defp reads(:retry, reads, id, %{chunk: number}, _), do: Reads.forget(reads, {id, number})
  defp reads(:table_again, reads, _id, %{rel: rel}, _), do: Reads.again(reads, rel)
  defp reads(:close, _reads, _id, _details, _), do: :close

  defp reads(what, reads, id, _details, _) when what in [:finished, :stopped, :failed] do
    reads && Reads.ended(reads, id)
  end

  defp reads(_what, reads, _id, _details, _), do: reads

  defp close(%State{backfills: backfills} = session, {id, _} = ref, details) do
    {opened, open} = Map.pop(backfills.open, ref, now())
    {state, closing} = Map.pop(backfills.closing, id)
    backfills = %{backfills | open: open, closing: closing}
    details = Map.put(details, :state, state)

    case Reading.close(session.inbox, ref, details) do
      {nil, inbox} ->
        %{session | inbox: inbox, backfills: backfills}

      {facts, inbox} ->
        facts =
          details
          |> Map.take([:rows, :bytes])
          |> Map.merge(Map.take(facts, [:folded, :dropped]))
          |> Map.merge(%{wait: now() - opened, at: now()})

        backfills = %{backfills | closed: Map.put(backfills.closed, ref, facts)}
        %{session | inbox: inbox, backfills: backfills}
    end
  end

  # What it means for users.
  defp told(session, :started, id, details) do
    measurements = Map.take(details, [:tables, :rows, :bytes])
    measurements = Map.put(measurements, :system_time, System.system_time())
    Telemetry.execute(session.source, [:backfill, :start], measurements, about(details, id))
    text = "#{details.tables} tables, about #{details.rows} rows"
    log(session, :info, id, "has started: #{text}")
    now = %{mode: details.mode, tables: details.tables, tables_done: 0, error: nil}
    session = BackfillsKept.mark(session, id)
    paused? = match?(%{^id => %Backfill{status: :paused}}, session.backfills.list)
    Backfills.update(session, id, if(paused?, do: now, else: Map.put(now, :status, :running)))
  end

  defp told(%State{backfills: backfills} = session, :open, id, %{chunk: number}) do
    %{session | backfills: %{backfills | open: Map.put(backfills.open, {id, number}, now())}}
  end

  defp told(%State{backfills: backfills} = session, :retry, id, details) do
    log(session, :debug, id, "reads chunk #{details.chunk} again: #{details[:reason]}")
    retries = Map.update(backfills.retries, id, 1, &(&1 + 1))
    %{session | backfills: %{backfills | retries: retries}}
  end

  defp told(session, :table_again, id, details) do
    text = "reads table #{details.table} from its start again: #{details[:reason]}"
    log(session, :warning, id, text)
    session
  end

  defp told(session, :table_failed, id, details) do
    error = Error.new(:server_error, details)
    log(session, :warning, id, "tries table #{details.table} again: #{Exception.message(error)}")
    Backfills.update(session, id, %{table: details.table, error: error})
  end

  defp told(session, :table_done, id, details) do
    done = tables_done(session, id) + 1
    facts = Map.take(details, [:table, :rows, :bytes])
    Backfills.update(session, id, Map.merge(facts, %{tables_done: done, eta: 0, error: nil}))
  end

  defp told(session, :progress, id, details) do
    Backfills.update(
      session,
      id,
      Map.take(details, [:table, :rows, :bytes, :estimate, :rate, :eta])
    )
  end

  defp told(session, what, id, details) when what in [:finished, :stopped] do
    measurements = Map.take(details, [:tables, :rows, :bytes])
    measurements = Map.put(measurements, :retries, session.backfills.retries[id] || 0)
    Telemetry.execute(session.source, [:backfill, :stop], measurements, %{id: id, reason: what})
    log(session, :info, id, "has #{what}: #{details[:rows]} rows of #{details[:tables]} tables")
    Backfills.finish(session, id, %{status: what, eta: 0, error: nil})
  end

  defp told(session, :failed, id, details) do
    error = Error.new(details[:class] || :server_error, details)
    metadata = %{id: id, error: error}
    measurements = %{system_time: System.system_time()}
    Telemetry.execute(session.source, [:backfill, :exception], measurements, metadata)
    log(session, :error, id, "has failed: #{Exception.message(error)}")
    Backfills.finish(session, id, %{status: :failed, error: error})
  end

  defp told(session, _what, _id, _details), do: session

  defp about(details, id), do: %{id: id, mode: details.mode}

  defp tables_done(session, id) do
    case session.backfills.list do
      %{^id => %Backfill{tables_done: done}} -> done
      %{} -> 0
    end
  end

  defp log(session, level, id, text) do
    Logger.log(level, "#{Log.label(session.opts)}: backfill #{id} #{text}")
  end

  defp now, do: System.monotonic_time()
end
