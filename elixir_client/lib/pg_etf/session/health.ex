defmodule PgEtf.Session.Health do
  @moduledoc false
  # How a stream is doing: what PgEtf.info/1 tells, the gauges among the
  # statistics, and the watch over messages that are never acknowledged.

  alias PgEtf.{Inbox, Log, Session, Streams, Telemetry}

  require Logger

  @doc "Tells how the stream is doing, and what its owner adds, to whoever asks."
  @spec tell(Session.t(), map) :: :ok
  def tell(%Session{} = session, more \\ %{}) do
    session.inbox
    |> Inbox.gauges()
    |> Map.merge(more)
    |> Map.merge(%{
      status: session.status,
      slot: session.opts[:slot],
      flushed_lsn: session.flushed,
      position: session.position,
      caught_up?: session.caught_up?,
      lag: session.lag,
      error: session.error,
      oldest: since(session)
    })
    |> Streams.tell()
  end

  @doc "What PgEtf.info/1 answers."
  @spec read(pid) :: map
  def read(stream) do
    {info, client} = Streams.read(stream)
    info |> Map.put(:client, client) |> Map.update!(:oldest, &age/1)
  end

  @doc "What is counted here, as the C program counts on its side."
  @spec gauges(Session.t()) :: map
  def gauges(session) do
    session.inbox |> Inbox.gauges() |> Map.put(:oldest, session |> since() |> age())
  end

  # One that was not there at the last look is not old, unless the owner is busy from
  # here on.
  defp since(%Session{inbox: inbox, stall: stall}) do
    case {Inbox.oldest(inbox), stall} do
      {nil, _} -> nil
      {oldest, {oldest, since}} -> since
      _ -> now()
    end
  end

  defp age(nil), do: 0
  defp age(since), do: now() - since

  @doc "The session at a position, which does not go back."
  @spec at(Session.t(), PgEtf.Lsn.t() | nil) :: Session.t()
  def at(session, nil), do: session
  def at(session, lsn), do: %{session | position: max(lsn, session.position || 0)}

  @doc """
  Milliseconds from the commit to here, else what they were. Clocks of two machines may
  make it negative, and a replication origin may tell any time.
  """
  @spec lag(integer | nil, integer | nil) :: integer | nil
  def lag(nil, lag), do: lag
  def lag(commit_us, _lag), do: System.system_time(:millisecond) - div(commit_us, 1000)

  @doc """
  Looks after the oldest message. An acknowledgement that never comes (a handler that
  hangs, a message that was thrown away) holds the slot for ever and looks like nothing
  at all.
  """
  @spec watch(Session.t()) :: Session.t()
  def watch(%Session{stall: {oldest, since}} = session) when oldest != nil do
    age = now() - since

    if Inbox.oldest(session.inbox) != oldest do
      %{session | stall: {Inbox.oldest(session.inbox), now()}}
    else
      if age >= session.opts[:stall_after], do: stalled(session, age)
      session
    end
  end

  def watch(session), do: %{session | stall: {Inbox.oldest(session.inbox), now()}}

  defp stalled(session, age) do
    in_flight = Inbox.in_flight(session.inbox)
    measurements = %{age: age, in_flight: in_flight}
    Telemetry.execute(session.opts, [:stall], measurements, %{})

    Logger.warning(
      "#{Log.label(session.opts)}: a message waits for its acknowledgement since " <>
        "#{div(age, 1000)} s, #{in_flight} are in flight"
    )
  end

  defp now, do: System.monotonic_time(:millisecond)
end
