defmodule PgEtf.Stream.Credit do
  @moduledoc false
  # How much more may come into an inbox: what is missing in its window, as far as what
  # waits in its queue is not much.
  #
  # Pure data: the members of PgEtf.Stream.Inbox that count.

  alias PgEtf.Stream.AckTracker

  @type total :: {events :: non_neg_integer, bytes :: non_neg_integer}
  @type inbox :: map

  @doc """
  The credit that is due, as totals; nil while there is enough. Half of a window at a
  time, not a little with every message.
  """
  @spec due(inbox) :: total | nil
  def due(%{granted: {granted, granted_bytes}} = inbox) do
    {events, bytes} = left(inbox)
    events = missing_events(inbox, events)
    bytes = missing_bytes(inbox, bytes)
    if events > 0 or bytes > 0, do: {granted + events, granted_bytes + bytes}
  end

  @doc "What may still come."
  @spec left(inbox) :: {events :: integer, bytes :: integer}
  def left(%{granted: {events, bytes}, received: {came, came_bytes}}) do
    {events - came, bytes - came_bytes}
  end

  @doc "Whether more may come before something is acknowledged."
  @spec open?(inbox) :: boolean
  def open?(inbox) do
    {events, bytes} = left(inbox)
    events > 0 and bytes > 0
  end

  @doc "What came, waits and is held, and what may still come."
  @spec gauges(inbox) :: map
  def gauges(%{received: {received_events, received_bytes}} = inbox) do
    {credit_events, credit_bytes} = left(inbox)

    %{
      in_flight: AckTracker.in_flight(inbox.tracker),
      queued: inbox.queued,
      received_events: received_events,
      received_bytes: received_bytes,
      credit_events: credit_events,
      credit_bytes: credit_bytes,
      held_bytes: inbox.held
    }
  end

  defp missing_events(%{opts: %{prefetch: prefetch}} = inbox, left) do
    there = left + inbox.queued
    if 2 * there > prefetch, do: 0, else: prefetch - there
  end

  defp missing_bytes(%{opts: opts} = inbox, left) do
    missing = min(opts.window_bytes - inbox.held, opts.first_bytes - inbox.waiting) - left
    if 2 * missing < opts.first_bytes, do: 0, else: missing
  end
end
