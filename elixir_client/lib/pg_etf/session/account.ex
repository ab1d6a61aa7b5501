defmodule PgEtf.Session.Account do
  @moduledoc false
  # The credit of the client program, and that both sides count the same.
  #
  # All is in totals since the program started, so that a grant that is lost, late or
  # doubled does no harm. Statistics stand in the order of the packets: what the client
  # has sent by then is what has come.

  alias PgEtf.{Error, Inbox, Log, Session}

  require Logger

  @doc "Tells the client how much it may send, when that has grown by enough."
  @spec replenish(Session.t()) :: Session.t()
  def replenish(%Session{conn: nil} = session), do: session
  def replenish(%Session{draining?: true} = session), do: session

  def replenish(%Session{inbox: inbox} = session) do
    with {_, _} = total <- Inbox.due(inbox),
         :ok <- tell(session, total) do
      %{session | inbox: Inbox.grant(inbox, total)}
    else
      _ -> session
    end
  end

  defp tell(session, {events, bytes}) do
    session.client.command(session.conn, {:credit, events, bytes})
  end

  @doc "Asks for statistics. The answer knows of each grant before the question."
  @spec ask(Session.t()) :: Session.t()
  def ask(%Session{} = session) do
    case session.client.command(session.conn, :stats) do
      :ok -> %{session | asked: session.asked || session.inbox.granted}
      :busy -> session
    end
  end

  @doc """
  Holds the client's account against ours. A difference is the end of its incarnation:
  a new program counts anew.
  """
  @spec audit(Session.t(), map) :: {:ok, Session.t()} | {:again | :error, Error.t()}
  def audit(%Session{inbox: inbox} = session, stats) do
    with {:ok, sent, known} <- totals(stats) do
      cond do
        sent != inbox.received -> differ("has sent", sent, "has come", inbox.received)
        behind?(inbox.granted, known) -> differ("may send", known, "is granted", inbox.granted)
        true -> {:ok, remind(session, known)}
      end
    end
  end

  defp totals(%{sent_events: _, sent_bytes: _, granted_events: _, granted_bytes: _} = stats) do
    {:ok, {stats.sent_events, stats.sent_bytes}, {stats.granted_events, stats.granted_bytes}}
  end

  defp totals(_stats), do: {:error, Error.protocol("statistics without the totals of credit")}

  defp differ(theirs, {events, bytes}, ours, {our_events, our_bytes}) do
    message =
      "pg_etf_client #{theirs} #{events} events and #{bytes} bytes, " <>
        "but #{our_events} and #{our_bytes} #{ours}"

    error = Error.protocol(message)
    # Numbers differ each time; for the log it is one reason.
    {:again, %{error | hint: "A new program counts anew.", details: %{reason: :account}}}
  end

  # Nothing else would ever end a wait of the client for what it was not told.
  defp remind(%Session{asked: asked} = session, known) do
    if asked != nil and behind?(known, asked) do
      tell(session, session.inbox.granted)
      Logger.warning("#{Log.label(session.opts)}: a grant of credit was lost and is sent again")
    end

    %{session | asked: nil}
  end

  defp behind?({events, bytes}, {other_events, other_bytes}) do
    events < other_events or bytes < other_bytes
  end
end
