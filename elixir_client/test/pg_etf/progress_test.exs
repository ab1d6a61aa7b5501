defmodule PgEtf.ProgressTest do
  use ExUnit.Case, async: true

  alias PgEtf.Progress

  @facts %{
    status: :connected,
    moved_at: 0,
    behind_since: nil,
    in_flight: 0,
    queued: 0,
    awaits_keys: false,
    credit_events: 1,
    credit_bytes: 1
  }

  @now 5_000

  # What differs from @facts, and the word for it.
  @table [
    {%{}, :idle},
    {%{moved_at: nil}, :idle},
    {%{moved_at: @now}, :moving},
    {%{moved_at: @now - 999}, :moving},
    {%{moved_at: @now - 1_000}, :idle},
    {%{moved_at: @now, in_flight: 1, queued: 1, credit_events: 0}, :moving},
    {%{in_flight: 1}, :waiting_for_acks},
    {%{in_flight: 1, queued: 1}, :waiting_for_acks},
    {%{in_flight: 1, queued: 1, credit_bytes: -7, behind_since: 0}, :waiting_for_acks},
    {%{queued: 1}, :waiting_for_demand},
    {%{queued: 1, credit_events: 0, behind_since: 0}, :waiting_for_demand},
    {%{queued: 1, awaits_keys: true, credit_events: 0}, :waiting_for_backfill},
    {%{in_flight: 1, queued: 1, awaits_keys: true}, :waiting_for_acks},
    {%{awaits_keys: true}, :idle},
    {%{credit_events: 0}, :starved},
    {%{credit_bytes: -1, behind_since: 0}, :starved},
    {%{behind_since: 0}, :waiting_for_server},
    {%{behind_since: 0, moved_at: @now}, :moving},
    {%{status: :disconnected}, :disconnected},
    {%{status: :disconnected, moved_at: @now}, :disconnected},
    {%{status: :disconnected, behind_since: 0}, :disconnected},
    {%{status: :disconnected, in_flight: 1}, :waiting_for_acks},
    {%{status: :disconnected, queued: 1}, :waiting_for_demand},
    {%{status: :disconnected, credit_bytes: 0}, :starved},
    {%{status: :reconnecting, in_flight: 1}, :reconnecting},
    {%{status: :open_circuit}, :reconnecting},
    {%{status: :connecting}, :connecting},
    {%{status: :standby, behind_since: 0}, :standby},
    {%{status: :halted}, :halted},
    {%{status: :stopped}, :stopped}
  ]

  test "the table of truth" do
    for {facts, progress} <- @table do
      facts = Map.merge(@facts, facts)
      assert {facts, Progress.of(facts, @now)} == {facts, progress}
    end
  end

  test "what waits, and what says so, is one" do
    facts = %{@facts | moved_at: 1, behind_since: 2}
    gauges = %{age: 61_000, queued: 3, in_flight: 4}

    waits = %{
      waiting_for_acks: {1, "a message has been unacknowledged for 61 s, 4 are in flight"},
      waiting_for_backfill: {1, "can the table etf_backfill be written?"},
      waiting_for_demand: {1, "3 changes are queued"},
      waiting_for_server: {2, "the server is 9 bytes ahead and sends nothing"},
      starved: {1, "the client waits for credit"}
    }

    for {_, progress} <- @table do
      {since, text} = Map.get(waits, progress, {nil, ""})
      assert Progress.waits_since(progress, facts) == since
      assert Progress.text(progress, gauges, %{lag_bytes: 9}) =~ text
    end
  end

  test "each word is in the table of its documentation" do
    {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(Progress)
    for {_, progress} <- @table, do: assert(doc =~ "`#{inspect(progress)}`")
  end
end
