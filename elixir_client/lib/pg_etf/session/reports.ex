defmodule PgEtf.Session.Reports do
  @moduledoc false
  # Packets of the client program that are not frames: what they change in a
  # session. See docs/port.md.

  alias PgEtf.{Error, Inbox, Log, Session, Streams, Telemetry}
  alias PgEtf.Session.{Account, Health, Status}

  require Logger

  @doc "Takes a report; an error is the end of the incarnation, `:again` is mended by a new one."
  @spec handle(Session.t(), term) :: {:ok, Session.t()} | {:again | :error, Error.t()}
  # About the slot, not about the stream.
  def handle(session, {:status, :slot, details}) when is_map(details) do
    Status.tell(session, :slot, details)
    {:ok, session}
  end

  def handle(session, {:status, status, details}) when is_atom(status) and is_map(details) do
    {:ok, Status.set(session, status, details)}
  end

  # Sent only while nothing is in flight. A consumer that stores its positions
  # stores this one like any other: through the queue, where it has a place.
  def handle(session, {:position, lsn}) when is_integer(lsn) do
    if session.opts[:start_position] do
      {:ok, %{session | inbox: Inbox.put_position(session.inbox, lsn)}}
    else
      {:ok, Health.at(session, lsn)}
    end
  end

  def handle(session, {:stats, stats}) when is_map(stats) do
    session = %{session | stats: stats}
    Streams.tell_client(stats)
    {numbers, words} = Enum.split_with(stats, fn {_key, value} -> is_number(value) end)
    measurements = numbers |> Map.new() |> Map.merge(Health.gauges(session))
    Telemetry.execute(session.opts, [:stats], measurements, Map.new(words))
    Account.audit(session, stats)
  end

  def handle(session, {:caught_up, lsn}) do
    Status.tell(session, :caught_up, %{lsn: lsn})
    {:ok, %{session | caught_up?: true}}
  end

  def handle(session, {:log, level, text}) when is_binary(text) do
    Logger.log(log_level(level), "#{Log.label(session.opts)}: #{text}")
    {:ok, session}
  end

  def handle(_session, {:fatal, class, details}) when is_atom(class) and is_map(details) do
    {:error, Error.new(class, details)}
  end

  # Which events come again is known from the frames themselves.
  def handle(session, {:rewind, _commit_lsn}), do: {:ok, session}
  def handle(session, {:stopped, _lsn}), do: {:ok, session}

  def handle(_session, _other) do
    {:error, Error.protocol("an unknown packet")}
  end

  defp log_level(level) when level in [:debug, :info, :warning, :error], do: level
  defp log_level(_level), do: :info
end
