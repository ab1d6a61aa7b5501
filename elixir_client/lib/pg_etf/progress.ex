defmodule PgEtf.Progress do
  @moduledoc """
  What a stream is doing, or waiting for: `progress` of `PgEtf.info/1` and of the telemetry
  event `[:pg_etf, :stats]`.

  | progress | meaning |
  |---|---|
  | `:moving` | something was received, delivered or acknowledged within the last second |
  | `:idle` | nothing to do |
  | `:waiting_for_acks` | messages are in flight, in handlers, batchers or a sink |
  | `:waiting_for_demand` | messages are queued, and no consumer requests them |
  | `:waiting_for_backfill` | changes are queued behind one that has moved a row, whose key is not kept yet for a backfill, see [what can go wrong](snapshots.md#what-can-go-wrong) |
  | `:waiting_for_server` | the server is ahead and sends nothing: a large transaction, or a filter that skips many changes, keeps it busy |
  | `:starved` | the C program has no credit, although nothing is queued or in flight: a bug |
  | `:standby` | another reader has the slot |
  | `:connecting`, `:reconnecting` | connecting to the server, for the first time or again |
  | `:disconnected` | not connected, and not trying to connect |
  | `:manual` | connected to no server, for a test: `testing: :manual` |
  | `:halted`, `:stopped` | stopped, until `PgEtf.resume/1` or permanently |

  A stream that has been in one of the waiting states, or `:starved`, for `:stall_after`
  reports it in the log, once a minute, and in `[:pg_etf, :stall]`.
  """

  @type t ::
          :moving
          | :idle
          | :waiting_for_acks
          | :waiting_for_demand
          | :waiting_for_backfill
          | :waiting_for_server
          | :starved
          | :standby
          | :connecting
          | :reconnecting
          | :disconnected
          | :halted
          | :stopped
          | :manual

  @typedoc "What is known of a stream; times are in milliseconds, nil: never."
  @type facts :: %{
          status: atom,
          moved_at: integer | nil,
          behind_since: integer | nil,
          in_flight: non_neg_integer,
          queued: non_neg_integer,
          awaits_keys: boolean,
          credit_events: integer,
          credit_bytes: integer
        }

  @moving 1_000

  @statuses %{
    connecting: :connecting,
    halted: :halted,
    manual: :manual,
    open_circuit: :reconnecting,
    reconnecting: :reconnecting,
    standby: :standby,
    stopped: :stopped
  }

  @doc "What a stream does at a time."
  @spec of(facts, integer) :: t
  def of(%{status: status} = facts, now) do
    case @statuses do
      %{^status => progress} -> progress
      _ -> flow(facts, now)
    end
  end

  # Without a connection, too: a client that had no credit for long gives its own back,
  # and what that waits for is still here.
  defp flow(facts, now) do
    cond do
      facts.status == :connected and moving?(facts, now) -> :moving
      facts.in_flight > 0 -> :waiting_for_acks
      facts.queued > 0 and facts.awaits_keys -> :waiting_for_backfill
      facts.queued > 0 -> :waiting_for_demand
      facts.credit_events <= 0 or facts.credit_bytes <= 0 -> :starved
      facts.status != :connected -> :disconnected
      facts.behind_since != nil -> :waiting_for_server
      true -> :idle
    end
  end

  defp moving?(%{moved_at: nil}, _now), do: false
  defp moving?(%{moved_at: moved_at}, now), do: now - moved_at < @moving

  @doc "Since when a stream waits for something that has to come from elsewhere; nil if it does not."
  @spec waits_since(t, facts) :: integer | nil
  def waits_since(:waiting_for_server, facts), do: facts.behind_since

  def waits_since(progress, facts)
      when progress in [
             :waiting_for_acks,
             :waiting_for_backfill,
             :waiting_for_demand,
             :starved
           ],
      do: facts.moved_at

  def waits_since(_progress, _facts), do: nil

  @doc "What the log says of a stream that waits, or of a message that does."
  @spec text(t, map, map) :: String.t()
  def text(:waiting_for_demand, gauges, _client) do
    "no progress for #{seconds(gauges)} s: #{gauges.queued} changes are queued, and no consumer " <>
      "requests them"
  end

  def text(:waiting_for_backfill, gauges, _client) do
    "no progress for #{seconds(gauges)} s: #{gauges.queued} changes are queued behind one that " <>
      "has moved a row, and its key is not kept yet; can the table etf_backfill be written?"
  end

  def text(:waiting_for_server, gauges, client) do
    "no progress for #{seconds(gauges)} s: the server is #{client[:lag_bytes]} bytes ahead " <>
      "and sends nothing; it may be busy with a large transaction"
  end

  def text(:starved, gauges, _client) do
    "no progress for #{seconds(gauges)} s: the client waits for credit, although nothing is " <>
      "queued or in flight"
  end

  def text(_progress, gauges, _client) do
    "a message has been unacknowledged for #{seconds(gauges)} s, #{gauges.in_flight} are in " <>
      "flight"
  end

  defp seconds(%{age: age}), do: div(age, 1000)
end
