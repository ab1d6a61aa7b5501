defmodule PgEtf.Stream.Ends do
  @moduledoc false
  # What comes after the end of an incarnation: another attempt soon, one in some
  # minutes, or none. Takes a session that is disconnected and has forgotten what was
  # in flight.

  alias PgEtf.{Error, Telemetry}
  alias PgEtf.Stream.{Backoff, State, Status}

  @doc "The stream has ended by itself."
  @spec down(State.t(), Error.t()) :: State.t()
  def down(session, error) do
    if Error.transient?(error), do: back_off(session, error), else: give_up(session, error)
  end

  @doc "Another attempt, after a pause that grows."
  @spec back_off(State.t(), Error.t()) :: State.t()
  def back_off(session, error) do
    delay = Backoff.pause(session.attempts, session.opts)
    measurements = %{attempt: session.attempts + 1, delay: delay}
    Telemetry.execute(session.source, [:restart], measurements, %{error: error})
    session = new_incarnation(session)
    State.schedule(session, :connect, delay)
    Status.failed(session, error, delay)
  end

  @doc "No attempt before somebody asks for one."
  @spec halt(State.t(), Error.t()) :: State.t()
  def halt(session, error) do
    session |> new_incarnation() |> Status.ended(:halted, error, "halted until PgEtf.resume/1")
  end

  # A permanent error may be fixed by somebody. A stop is an event of its
  # own: a crash report shows the last message, which must not be a packet.
  defp give_up(session, error) do
    measurements = %{system_time: System.system_time()}
    Telemetry.execute(session.source, [:stop], measurements, %{error: error})

    case session.opts[:on_error] do
      :halt ->
        if final?(session, error), do: halt(session, error), else: halt_and_retry(session, error)

      :stop ->
        session = new_incarnation(session)
        State.schedule(session, {:stop, error}, 0)
        Status.ended(session, :stopped, error, "stopped")
    end
  end

  # Where no position is stored a new attempt would begin behind the gap, as if there
  # were none.
  defp final?(session, error), do: error.class == :gap and session.opts[:start_position] == nil

  defp halt_and_retry(session, error) do
    session = new_incarnation(session)
    delay = session.opts[:retry_after]
    State.schedule(session, :connect, delay)
    again = "retrying in #{div(delay, 1000)} s, or on PgEtf.resume/1"
    Status.ended(session, :halted, error, "halted, " <> again)
  end

  # What is on its way to the old incarnation is for nobody.
  defp new_incarnation(session), do: %{session | incarnation: make_ref()}
end
