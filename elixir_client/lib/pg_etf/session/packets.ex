defmodule PgEtf.Session.Packets do
  @moduledoc false
  # What the client program sends: frames, which go into the inbox, and reports.

  alias PgEtf.{Error, Frame, Inbox, Session, Telemetry}
  alias PgEtf.Session.{Account, Health, Reports, Tables}

  # Bytes of a packet from which on what the one before has left is not waited for: such
  # a heap is collected late, and large values lie outside of it.
  @large 1_048_576

  @doc "Takes a packet. An error is the end of the incarnation, `:again` is mended by a new one."
  @spec take(Session.t(), binary) :: {:ok, Session.t()} | {:again | :error, Error.t()}
  def take(session, packet) do
    if byte_size(packet) >= @large, do: :erlang.garbage_collect()

    case Frame.to_term(packet) do
      {:ok, frames} when length(frames) >= 0 -> take_frames(session, frames, byte_size(packet))
      {:ok, report} -> Reports.handle(session, report)
      :error -> {:error, Error.protocol("a packet holds what no packet may hold")}
    end
  end

  defp take_frames(session, frames, bytes) do
    started = System.monotonic_time()
    telemetry(session, :start, %{system_time: System.system_time(), bytes: bytes})

    case Inbox.put(session.inbox, frames, bytes) do
      {:ok, inbox, events} ->
        lag = Health.lag(inbox.commit_us, session.lag)
        duration = System.monotonic_time() - started
        measurements = %{duration: duration, bytes: bytes, events: events, lag: lag}
        telemetry(session, :stop, measurements)
        session = %{session | inbox: inbox, lag: lag}
        {:ok, session |> Health.moved() |> Tables.tell() |> Account.replenish()}

      {:error, reason} ->
        measurements = %{duration: System.monotonic_time() - started}
        metadata = %{kind: :error, reason: reason, stacktrace: []}
        telemetry(session, :exception, measurements, metadata)
        {:error, Error.protocol(reason)}
    end
  end

  defp telemetry(session, step, measurements, metadata \\ %{}) do
    Telemetry.execute(session.opts, [:decode, step], measurements, metadata)
  end
end
