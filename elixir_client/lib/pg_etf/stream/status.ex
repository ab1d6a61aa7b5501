defmodule PgEtf.Stream.Status do
  @moduledoc false
  # The status of a stream, and the reason when it is not connected: each change goes
  # to telemetry, and to the log as far as PgEtf.Stream.Log finds it worth a line.

  alias PgEtf.{Error, Telemetry}
  alias PgEtf.Stream.{Log, Slot, State}

  # Failures in a row after which the program, or this library, calls the circuit open.
  @circuit_after 10

  @doc "Takes a status as the C program reports it."
  @spec set(State.t(), atom, map) :: State.t()
  def set(session, :connected, details) do
    if waits?(session), do: taken_over(session)
    session = session |> Slot.connected(details) |> clear() |> change(:connected, details)
    kept? = session.slot != nil
    log(%{session | connected?: true}, {:connected, Map.put(details, :kept?, kept?)})
  end

  def set(session, :standby, details) do
    session |> clear() |> change(:standby, details) |> log({:standby, details})
  end

  def set(session, status, %{class: class} = details)
      when status in [:reconnecting, :open_circuit] do
    failing(session, status, Error.new(class, details), details)
  end

  def set(session, status, details), do: change(session, status, details)

  defp waits?(%State{held: held, status: status}), do: :standby in [held, status]

  defp taken_over(session) do
    Telemetry.execute(session.source, [:takeover], %{system_time: System.system_time()}, %{})
  end

  @doc "There will be another attempt."
  @spec failed(State.t(), Error.t(), delay :: non_neg_integer) :: State.t()
  def failed(session, error, delay) do
    attempts = session.attempts + 1
    status = if attempts < @circuit_after, do: :reconnecting, else: :open_circuit
    details = error |> details() |> Map.merge(%{failures: attempts, delay: delay})
    failing(%{session | attempts: attempts}, status, error, details)
  end

  @doc "There will be none by itself, or not soon."
  @spec ended(State.t(), :halted | :stopped, Error.t(), what_next :: String.t()) :: State.t()
  def ended(session, status, error, what_next) do
    session |> change(status, details(error), error) |> log({:ended, error, what_next})
  end

  @doc "It has halted where it is, behind a change of a table."
  @spec held(State.t(), Error.t()) :: State.t()
  def held(%State{status: status} = session, error) do
    session = change(session, :halted, details(error), error)
    log(%{session | held: status}, {:held, error})
  end

  @doc "It continues from there."
  @spec released(State.t()) :: State.t()
  def released(%State{held: status} = session) do
    session = %{session | held: nil, error: nil, log: Log.reset(session.log)}
    change(session, status, %{})
  end

  @doc "A failed message has been handled."
  @spec recovered(State.t()) :: State.t()
  def recovered(%State{status: :connected} = session), do: %{session | error: nil, attempts: 0}
  def recovered(session), do: session

  @doc "Messages up to a position have been confirmed."
  @spec confirmed(State.t(), PgEtf.Lsn.t()) :: State.t()
  def confirmed(session, lsn), do: session |> recovered() |> log({:flushed, lsn})

  @doc "Emits what is no status of the stream."
  @spec emit(State.t(), atom, map) :: :ok
  def emit(session, status, details) do
    metadata = %{status: status, details: details}
    Telemetry.execute(session.source, [:status], %{system_time: System.system_time()}, metadata)
  end

  defp failing(session, status, error, details) do
    event = if status == :open_circuit, do: :open_circuit, else: :failure
    session |> change(status, details, error) |> log({event, error, details[:delay]})
  end

  # While it is halted behind a change of a table, that is why.
  defp change(%State{held: nil} = session, status, details, error) do
    change(%{session | error: error}, status, details)
  end

  defp change(session, status, details, _error), do: change(session, status, details)

  defp change(%State{held: held} = session, status, details) when held != nil do
    emit(session, status, details)
    %{session | held: status, origin: origin(details) || session.origin}
  end

  defp change(session, status, details) do
    emit(session, status, details)
    %{session | status: status, origin: origin(details) || session.origin}
  end

  defp log(session, event), do: %{session | log: Log.report(session.log, session.opts, event)}

  defp details(%Error{} = error), do: Map.take(error, [:class, :message, :hint, :sqlstate])

  # A connection that came back clears the slate, unless it is the messages that
  # fail, or the accounts that differ: those would be tried at full speed for ever.
  defp clear(%State{error: %Error{class: class}} = session)
       when class in [:failure, :protocol, :schema_change],
       do: session

  defp clear(session), do: %{session | error: nil, attempts: 0}

  # Positions of one cluster mean nothing in another, nor do those that a
  # timeline lost in a failover. Of a standby's timeline nothing is certain: it
  # may be promoted while it streams.
  defp origin(%{system_identifier: id, in_recovery: true}), do: %{system_identifier: id}

  defp origin(%{system_identifier: id, timeline: timeline}) do
    %{system_identifier: id, timeline: timeline}
  end

  defp origin(_details), do: nil
end
