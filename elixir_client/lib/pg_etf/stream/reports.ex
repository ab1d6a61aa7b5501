defmodule PgEtf.Stream.Reports do
  @moduledoc false
  # Packets of the client program that are not frames: what they change in a
  # session. See docs/port.md.

  alias PgEtf.{Error, Telemetry}
  alias PgEtf.Client.Connection

  alias PgEtf.Stream.{
    Account,
    BackfillReports,
    BackfillsKept,
    Directory,
    Health,
    Inbox,
    Log,
    MovedKeys,
    Slot,
    State,
    Status
  }

  require Logger

  # Failures in a row after which a function is asked for the connection again: it may
  # have moved. Before that a lost connection is only made again, and repeats nothing.
  @ask_again 3

  # Attempts, with pauses that grow to half a minute all in all, before a refused password
  # is wrong.
  @refusals 6

  @doc "Takes a report. An error ends the incarnation, `:again` restarts it."
  @spec handle(State.t(), term) :: {:ok, State.t()} | {:again | :error, Error.t()}
  # About the slot, not about the stream.
  def handle(session, {:status, :slot, details}) when is_map(details) do
    Status.emit(session, :slot, details)
    {:ok, session}
  end

  # The program connects with the settings of its start.
  def handle(%State{opts: opts} = session, {:status, status, %{class: class} = details})
      when status in [:reconnecting, :open_circuit] do
    if Connection.asked?(opts[:connection]) and details[:failures] >= @ask_again do
      {:again, Error.new(class, details)}
    else
      {:ok, Status.set(session, status, details)}
    end
  end

  def handle(session, {:status, status, details}) when is_atom(status) and is_map(details) do
    {:ok, Status.set(session, status, details)}
  end

  # The owner is asked for its position, as before each start.
  def handle(session, {:standby, :free, %{confirmed_lsn: seen}}) do
    send(self(), {State, session.incarnation, {:free, seen}})
    {:ok, session}
  end

  # Sent only while nothing is in flight. A consumer that stores its positions
  # stores this one like any other: through the queue, where it has a place.
  def handle(session, {:position, lsn}) when is_integer(lsn) do
    if session.opts[:start_position] do
      {:ok, %{session | inbox: Inbox.put_position(session.inbox, lsn)}}
    else
      {:ok, session |> Slot.record(lsn) |> Health.advance(lsn)}
    end
  end

  def handle(session, {:stats, stats}) when is_map(stats) do
    session = Health.record_stats(session, stats)
    Directory.publish_client(stats)
    {numbers, words} = Enum.split_with(stats, fn {_key, value} -> is_number(value) end)
    measurements = numbers |> Map.new() |> Map.merge(Health.gauges(session))
    metadata = words |> Map.new() |> Map.put(:progress, Health.progress(session))
    Telemetry.execute(session.source, [:stats], measurements, metadata)
    Account.audit(session, stats)
  end

  def handle(session, {:caught_up, lsn}) do
    Status.emit(session, :caught_up, %{lsn: lsn})
    {:ok, %{session | caught_up?: true}}
  end

  def handle(session, {:backfill, what, id, details}) when is_atom(what) and is_binary(id) do
    BackfillReports.report(session, what, id, details)
  end

  def handle(session, {:backfills, %{kept: ids}}) when is_list(ids) do
    {:ok, session |> BackfillsKept.found(ids) |> BackfillsKept.known()}
  end

  def handle(session, {:backfills, %{}}), do: {:ok, BackfillsKept.known(session)}

  # What is ahead in its pipe comes first: what has to be stored is by now.
  def handle(%State{inbox: inbox} = session, {:keys_kept, %{commands: number}})
      when is_integer(number) do
    {:ok, %{session | inbox: %{inbox | keys: MovedKeys.kept(inbox.keys, number)}}}
  end

  def handle(session, {:log, level, text}) when is_binary(text) do
    Logger.log(log_level(level), "#{Log.label(session.opts)}: #{text}")
    {:ok, session}
  end

  # A password that a function returned may be outdated, or not valid yet: a password is
  # changed in one place after the other.
  def handle(%State{opts: opts, attempts: attempts}, {:fatal, :auth, details})
      when is_map(details) do
    again? = Connection.asked?(opts[:connection]) and attempts < @refusals
    {if(again?, do: :again, else: :error), Error.new(:auth, details)}
  end

  def handle(session, {:fatal, class, details}) when is_atom(class) and is_map(details) do
    {:error, class |> Error.new(details) |> Slot.explain(session)}
  end

  # Which events are repeated is known from the frames themselves.
  def handle(session, {:rewind, _commit_lsn}), do: {:ok, session}
  def handle(session, {:stopped, _lsn}), do: {:ok, session}

  def handle(_session, _other) do
    {:error, Error.protocol("an unknown packet")}
  end

  defp log_level(level) when level in [:debug, :info, :warning, :error], do: level
  defp log_level(_level), do: :info
end
