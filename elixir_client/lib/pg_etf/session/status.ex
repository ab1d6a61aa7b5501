defmodule PgEtf.Session.Status do
  @moduledoc false
  # The status of a stream, and the reason when it is not connected: each change goes
  # to telemetry, and to the log as far as PgEtf.Log finds it worth a line.

  alias PgEtf.{Error, Log, Session, Telemetry}
  alias PgEtf.Session.Slot

  # Failures in a row after which the program, or this library, calls the circuit open.
  @circuit_after 10

  @doc "Takes a status as the C program tells it."
  @spec set(Session.t(), atom, map) :: Session.t()
  def set(session, :connected, details) do
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

  @doc "There will be another attempt."
  @spec failed(Session.t(), Error.t(), delay :: non_neg_integer) :: Session.t()
  def failed(session, error, delay) do
    attempts = session.attempts + 1
    status = if attempts < @circuit_after, do: :reconnecting, else: :open_circuit
    details = error |> details() |> Map.merge(%{failures: attempts, delay: delay})
    failing(%{session | attempts: attempts}, status, error, details)
  end

  @doc "There will be none by itself, or not soon."
  @spec ended(Session.t(), :halted | :stopped, Error.t(), what_next :: String.t()) :: Session.t()
  def ended(session, status, error, what_next) do
    session |> change(status, details(error), error) |> log({:ended, error, what_next})
  end

  @doc "Messages have been confirmed: what failed does not fail any more."
  @spec progress(Session.t()) :: Session.t()
  def progress(%Session{status: :connected} = session), do: %{session | error: nil, attempts: 0}
  def progress(session), do: session

  @doc "Tells what is no status of the stream."
  @spec tell(Session.t(), atom, map) :: :ok
  def tell(session, status, details) do
    metadata = %{status: status, details: details}
    Telemetry.execute(session.opts, [:status], %{system_time: System.system_time()}, metadata)
  end

  defp failing(session, status, error, details) do
    event = if status == :open_circuit, do: :open_circuit, else: :failure
    session |> change(status, details, error) |> log({event, error, details[:delay]})
  end

  defp change(session, status, details, error) do
    change(%{session | error: error}, status, details)
  end

  defp change(session, status, details) do
    tell(session, status, details)
    %{session | status: status, origin: origin(details) || session.origin}
  end

  defp log(session, event), do: %{session | log: Log.tell(session.log, session.opts, event)}

  defp details(%Error{} = error), do: Map.take(error, [:class, :message, :hint, :sqlstate])

  # A connection that came back clears the slate, unless it is the messages that
  # fail, or the accounts that differ: those would be tried at full speed for ever.
  defp clear(%Session{error: %Error{class: class}} = session)
       when class in [:failure, :protocol],
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
