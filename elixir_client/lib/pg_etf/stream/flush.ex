defmodule PgEtf.Stream.Flush do
  @moduledoc false
  # Sends the client program the position to confirm to the server.

  alias PgEtf.Stream.{Backfills, Health, Inbox, Slot, State, Status, Tally}
  alias PgEtf.Telemetry

  import State, only: [runs: 1]

  @interval 50

  @doc """
  Sends a position that has moved: at once, then at intervals, in which acknowledgements
  are summed up.
  """
  @spec soon(State.t()) :: State.t()
  def soon(%State{flush_timer: timer} = session) when timer != nil, do: session

  def soon(session) when runs(session) do
    if moved?(session) do
      send_position(%{session | flush_timer: State.schedule(session, :flush, @interval)})
    else
      session
    end
  end

  def soon(session), do: session

  @doc "Sends a position that has advanced, as the last command to the program."
  @spec now(State.t()) :: State.t()
  def now(session), do: if(moved?(session), do: send_position(session), else: session)

  # Not backwards: what was prepared late ends before what is confirmed.
  defp moved?(session) do
    flushed = Inbox.flushed(session.inbox)

    flushed != session.sent and not behind?(flushed, session.flushed) and
      Backfills.told?(session)
  end

  defp behind?(flushed, confirmed),
    do: confirmed != nil and flushed != nil and flushed < confirmed

  defp send_position(%State{inbox: inbox} = session) do
    flushed = Inbox.flushed(inbox)

    case session.client.command(session.conn, {:flushed, flushed}) do
      :ok ->
        {committed, commits} = Tally.take(session.commits, flushed)
        measurements = %{lsn: flushed, in_flight: Inbox.in_flight(inbox)}
        measurements = Map.merge(measurements, delay(committed))
        Telemetry.execute(session.source, [:flush], measurements, %{})

        %{session | sent: flushed, flushed: flushed, commits: commits}
        |> Status.confirmed(flushed)
        |> Slot.record(flushed)
        |> Health.advance(flushed)

      :busy ->
        session
    end
  end

  # Clocks differ, and a replication origin may send any time.
  defp delay(nil), do: %{}
  defp delay(committed), do: %{delay: max(Health.lag(committed, nil), 0)}
end
