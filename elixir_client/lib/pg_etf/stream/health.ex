defmodule PgEtf.Stream.Health do
  @moduledoc false
  # How a stream is doing: what PgEtf.info/1 reports, the gauges among the
  # statistics, and the watch over a stream that stands still.

  alias PgEtf.{Progress, Telemetry}
  alias PgEtf.Stream.{Directory, Inbox, Log, MovedKeys, State, Status}

  require Logger

  # How far a server may be ahead when all is sent: headers of a page or two.
  @page 8_192
  @minute 60_000

  @doc "Publishes how the stream is doing, and what its owner adds, for whoever asks."
  @spec publish(State.t(), map) :: :ok
  def publish(%State{} = session, more \\ %{}) do
    state = %{
      moved_at: session.moved_at,
      behind_since: session.behind_since,
      awaits_keys: awaits_keys?(session),
      flushed_lsn: session.flushed,
      position: session.position,
      caught_up?: session.caught_up?,
      lag: session.lag,
      error: session.error,
      oldest: oldest_at(session)
    }

    Directory.publish(now(), session.status, [state, Inbox.gauges(session.inbox), more])
  end

  @doc "What PgEtf.info/1 answers, nil when the stream has just ended."
  @spec read(pid) :: map | nil
  def read(stream) do
    with {info, client} <- Directory.read(stream) do
      info
      |> Map.put(:client, client)
      |> Map.put(:progress, Progress.of(info, now()))
      |> Map.update!(:oldest, &age/1)
      |> Map.drop([:moved_at, :behind_since, :awaits_keys])
    end
  end

  @doc "What is counted here, as the C program counts on its side."
  @spec gauges(State.t()) :: map
  def gauges(session) do
    session.inbox |> Inbox.gauges() |> Map.put(:oldest, session |> oldest_at() |> age())
  end

  defp awaits_keys?(%State{inbox: inbox}), do: MovedKeys.awaited?(inbox.keys, inbox.reads)

  # One that was not there at the last look is not old, unless the owner is busy from
  # here on.
  defp oldest_at(%State{inbox: inbox, stall: stall}) do
    case {Inbox.oldest(inbox), stall} do
      {nil, _} -> nil
      {oldest, {oldest, since}} -> since
      _ -> now()
    end
  end

  defp age(nil), do: 0
  defp age(since), do: now() - since

  @doc "The session at a position, which does not go back."
  @spec advance(State.t(), PgEtf.Lsn.t() | nil) :: State.t()
  def advance(session, nil), do: session
  def advance(session, lsn), do: %{session | position: max(lsn, session.position || 0)}

  @doc """
  Milliseconds from the commit to here, else what they were. Clocks of two machines may
  make it negative, and a replication origin may send any time.
  """
  @spec lag(integer | nil, integer | nil) :: integer | nil
  def lag(nil, lag), do: lag
  def lag(commit_us, _lag), do: System.system_time(:millisecond) - div(commit_us, 1000)

  @doc "Something was received, delivered or acknowledged."
  @spec touch(State.t()) :: State.t()
  def touch(%State{} = session), do: %{session | moved_at: now()}

  @doc """
  Takes statistics of the client: the server is ahead, and was so without sending
  anything since those before.
  """
  @spec record_stats(State.t(), map) :: State.t()
  def record_stats(%State{stats: before} = session, stats) do
    ahead? = is_integer(stats[:lag_bytes]) and stats[:lag_bytes] > @page
    still? = Enum.all?([:received_lsn, :sent_events], &(stats[&1] == before[&1]))
    behind_since = if ahead? and still?, do: session.behind_since || now()
    %{session | stats: stats, behind_since: behind_since}
  end

  @doc "See PgEtf.Progress."
  @spec progress(State.t()) :: Progress.t()
  def progress(session), do: session |> facts() |> Progress.of(now())

  defp facts(session) do
    session.inbox
    |> Inbox.gauges()
    |> Map.merge(Map.take(session, [:status, :moved_at, :behind_since]))
    |> Map.put(:awaits_keys, awaits_keys?(session))
  end

  ## The watch

  @doc """
  Looks whether the stream stands still: as a whole, or because of one message that is
  never acknowledged (a handler that hangs, a message that was thrown away), which holds
  the slot for ever and looks like nothing at all.
  """
  @spec watch(State.t()) :: State.t()
  def watch(%State{} = session) do
    session = follow_oldest(session)
    progress = progress(session)
    since = earlier(Progress.waits_since(progress, facts(session)), oldest_since(session))
    age = if since, do: now() - since, else: 0

    cond do
      age >= session.opts[:stall_after] -> alarm(session, progress, age)
      # What failed would be here again.
      progress == :idle -> Status.recovered(session)
      true -> session
    end
  end

  defp follow_oldest(%State{stall: stall, inbox: inbox} = session) do
    case {stall, Inbox.oldest(inbox)} do
      {{oldest, _}, oldest} -> session
      {_, oldest} -> %{session | stall: {oldest, now()}}
    end
  end

  defp oldest_since(%State{stall: {nil, _}}), do: nil
  defp oldest_since(%State{stall: {_, since}}), do: since

  defp earlier(nil, since), do: since
  defp earlier(since, nil), do: since
  defp earlier(since, other), do: min(since, other)

  defp alarm(session, progress, age) do
    measurements = session.inbox |> Inbox.gauges() |> Map.take([:in_flight, :queued])
    measurements = Map.put(measurements, :age, age)
    Telemetry.execute(session.source, [:stall], measurements, %{progress: progress})
    log_stall(session, Progress.text(progress, measurements, session.stats))
  end

  defp log_stall(%State{alarmed_at: at} = session, text) do
    if at == nil or now() - at >= @minute do
      Logger.error("#{Log.label(session.opts)}: #{text}")
      %{session | alarmed_at: now()}
    else
      session
    end
  end

  @doc "The clock of all this, in milliseconds."
  @spec now() :: integer
  def now, do: :erlang.monotonic_time(:millisecond)
end
