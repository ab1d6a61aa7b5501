defmodule PgEtf.Stream.Packets do
  @moduledoc false
  # What the client program sends: frames, which go into the inbox, and reports.

  alias PgEtf.Decode.Atoms
  alias PgEtf.{Error, Telemetry}

  alias PgEtf.Stream.{
    Account,
    Backfills,
    Health,
    Inbox,
    Reading,
    Reports,
    Schema,
    State,
    Tables,
    Tally
  }

  # Bytes of a packet from which on what the one before has left is not waited for: such
  # a heap is collected late, and large values lie outside of it.
  @large 1_048_576

  @doc "Takes a packet. An error ends the incarnation, `:again` restarts it."
  @spec take(State.t(), binary) :: {:ok, State.t()} | {:again | :error, Error.t()}
  def take(session, packet) do
    if byte_size(packet) >= @large, do: :erlang.garbage_collect()

    case Atoms.read(packet) do
      {:ok, frames} when length(frames) >= 0 ->
        take_frames(session, frames, byte_size(packet))

      {:ok, report} ->
        Reports.handle(session, report)

      :error ->
        {:error,
         Error.protocol(
           "a packet contains something that is not part of the " <>
             "protocol"
         )}
    end
  end

  defp take_frames(session, frames, bytes) do
    started = System.monotonic_time()
    telemetry(session, :start, %{system_time: System.system_time(), bytes: bytes})

    case put(session.inbox, frames, bytes) do
      {:ok, inbox, events} ->
        lag = lag(frames, inbox, session)
        duration = System.monotonic_time() - started
        measurements = %{duration: duration, bytes: bytes, events: events, lag: lag}
        telemetry(session, :stop, measurements)
        count(session, frames, events)
        commits = Tally.keep(session.commits, frames)
        session = %{session | inbox: inbox, lag: lag, commits: commits}
        session = session |> Health.touch() |> Tables.log_new() |> Backfills.tell()
        session |> Account.replenish() |> Schema.note()

      {:error, reason} ->
        measurements = %{duration: System.monotonic_time() - started}
        metadata = %{kind: :error, reason: reason, stacktrace: []}
        telemetry(session, :exception, measurements, metadata)
        {:error, Error.protocol(reason)}
    end
  end

  # Rows that are read come in packets of their own.
  defp put(inbox, [{:read, _, _, _} | _] = frames, bytes), do: Reading.put(inbox, frames, bytes)
  defp put(inbox, frames, bytes), do: Inbox.put(inbox, frames, bytes)

  defp lag([{:read, _, _, _} | _], _inbox, session), do: session.lag
  defp lag(_frames, inbox, session), do: Health.lag(inbox.commit_us, session.lag)

  defp count(session, frames, events) do
    for {op, count} <- Tally.ops(frames, events) do
      Telemetry.execute(session.source, [:events], %{count: count}, %{op: op})
    end
  end

  defp telemetry(session, step, measurements, metadata \\ %{}) do
    Telemetry.execute(session.source, [:decode, step], measurements, metadata)
  end
end
