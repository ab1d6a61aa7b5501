defmodule PgEtf.Stream.Account do
  @moduledoc false
  # The credit of the client program, and that both sides count the same.
  #
  # All is in totals since the program started, so that a grant that is lost, late or
  # doubled does no harm. Statistics stand in the order of the packets: what the client
  # has sent by then is what has come.

  alias PgEtf.Error
  alias PgEtf.Stream.{Inbox, Log, State}

  require Logger

  @doc "Sends the client its credit, if that has grown enough."
  @spec replenish(State.t()) :: State.t()
  def replenish(%State{phase: :open, inbox: inbox} = session) do
    with {_, _} = total <- Inbox.due(inbox),
         :ok <- send_credit(session, total) do
      %{session | inbox: Inbox.grant(inbox, total)}
    else
      _ -> session
    end
  end

  def replenish(session), do: session

  defp send_credit(session, {events, bytes}) do
    session.client.command(session.conn, {:credit, events, bytes})
  end

  @doc "Requests statistics. The answer reflects each grant before the request."
  @spec request_stats(State.t()) :: State.t()
  def request_stats(%State{} = session) do
    case session.client.command(session.conn, :stats) do
      :ok -> %{session | asked: session.asked || session.inbox.granted}
      :busy -> session
    end
  end

  @doc """
  Compares the client's account with ours. A difference ends its incarnation:
  a new program starts a new account.
  """
  @spec audit(State.t(), map) :: {:ok, State.t()} | {:again | :error, Error.t()}
  def audit(%State{inbox: inbox} = session, stats) do
    with {:ok, sent, known} <- totals(stats) do
      cond do
        sent != inbox.received -> mismatch("has sent", sent, "has come", inbox.received)
        behind?(inbox.granted, known) -> mismatch("may send", known, "is granted", inbox.granted)
        true -> {:ok, resend_credit(session, known)}
      end
    end
  end

  defp totals(%{sent_events: _, sent_bytes: _, granted_events: _, granted_bytes: _} = stats) do
    {:ok, {stats.sent_events, stats.sent_bytes}, {stats.granted_events, stats.granted_bytes}}
  end

  defp totals(_stats), do: {:error, Error.protocol("statistics without credit totals")}

  defp mismatch(theirs, {events, bytes}, ours, {our_events, our_bytes}) do
    message =
      "pg_etf_client #{theirs} #{events} events and #{bytes} bytes, " <>
        "but #{our_events} and #{our_bytes} #{ours}"

    error = Error.protocol(message)
    # Numbers differ each time; for the log it is one reason.
    {:again,
     %{error | hint: "Restarting the program opens a new account.", details: %{reason: :account}}}
  end

  # Nothing else would end the client's wait for credit that it did not receive.
  defp resend_credit(%State{asked: asked} = session, known) do
    if asked != nil and behind?(known, asked) do
      send_credit(session, session.inbox.granted)
      Logger.warning("#{Log.label(session.opts)}: a grant of credit was lost and is sent again")
    end

    %{session | asked: nil}
  end

  defp behind?({events, bytes}, {other_events, other_bytes}) do
    events < other_events or bytes < other_bytes
  end
end
