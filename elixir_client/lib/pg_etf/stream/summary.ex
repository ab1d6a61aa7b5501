defmodule PgEtf.Stream.Summary do
  @moduledoc false
  # What crash reports and :sys show of the process of a stream: neither rows nor
  # packets nor passwords, whoever formats it.

  alias PgEtf.Stream.{Inbox, State}

  @doc "Of a session."
  @spec of(State.t()) :: map
  def of(%State{} = session) do
    %{
      slot: session.opts[:slot],
      status: session.status,
      error: session.error,
      flushed: session.flushed,
      position: session.position,
      in_flight: Inbox.in_flight(session.inbox)
    }
  end

  @doc "Of what OTP 25 and newer give to format_status/1, with the state as given."
  @spec status(map, (term -> term)) :: map
  def status(status, state) do
    Map.new(status, fn
      {:state, owner} -> {:state, state.(owner)}
      {:message, message} -> {:message, message(message)}
      {:log, _messages} -> {:log, []}
      other -> other
    end)
  end

  # Those of a stream to itself are about nothing but the stream.
  defp message({State, _incarnation, _message} = message), do: message
  defp message(_message), do: :hidden
end
