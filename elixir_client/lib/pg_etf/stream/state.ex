defmodule PgEtf.Stream.State do
  @moduledoc false
  # A stream, as PgEtf.Stream.Session moves it and the other modules here look at it.
  #
  # Where the stream is in its life is its phase:
  #
  #     :idle ---- connect ----> :open ----- drain -----> :draining
  #       |  <-- disconnect ---                              |
  #       '------- drain -------> :closed <-- disconnect ----'
  #
  #   idle      no program runs; what happens next, if anything, is in a timer or is
  #             PgEtf.resume/2
  #   open      one runs: conn is its connection
  #   draining  one runs, nothing more is handed out, acknowledgements are still taken
  #   closed    none runs, and none is started any more
  #
  # The status is what the user is told: what the program says while one runs, and why
  # none does otherwise.

  alias PgEtf.Stream.{Log, Tally}
  alias __MODULE__

  # opts           validated; start, as they were before PgEtf.update/2
  # source         what it says of itself in telemetry
  # client, conn   the program, and the connection to it while one runs
  # incarnation    that run, and what waits for the next one
  # inbox, requeue what has arrived and is not acknowledged, what has failed
  # sent           the position sent to the program; flushed, in all its runs
  # flush_timer    while acknowledgements are summed up
  # position       the same, or the server's where nothing was to be read
  # heard?         the program has sent something since the last heartbeat
  # asked          the credit that an answer to a question for statistics must know of
  # attempts       failures in a row; error, the last one
  # origin         cluster and timeline of positions, as the program last reported
  # slot, stored   how the slot is known on this node, and the position stored for it
  # connected?     once is enough: then the slot is known to be there
  # anew?          the slot may be recreated, as requested by PgEtf.resume/2
  # refills        tables that are read again because of one, see PgEtf.Stream.Refill
  # history        of changes of tables, nil before it was asked for; resumed, behind which of
  #                them, above what is confirmed: see PgEtf.Stream.Schema
  # held           while the stream is halted behind one: what the status would be otherwise
  # moved_at, behind_since, stall, alarmed_at, stats, lag
  #                how it is doing: see PgEtf.Stream.Health
  # backfills      tables that are read beside it: see PgEtf.Stream.Backfills
  # commits        when what is not confirmed was committed: see PgEtf.Stream.Tally
  # log, warned    what has been logged
  #
  # A crash report shows this struct: it must contain no password, and no rows.
  @derive {Inspect,
           only: [:phase, :status, :client, :incarnation, :flushed, :position, :attempts, :error]}
  defstruct [
    :opts,
    :start,
    :source,
    :client,
    :conn,
    :incarnation,
    :inbox,
    :requeue,
    :position,
    :error,
    :stall,
    :lag,
    :origin,
    :asked,
    :moved_at,
    :behind_since,
    :alarmed_at,
    :backfills,
    :held,
    :history,
    phase: :idle,
    status: :disconnected,
    sent: nil,
    flush_timer: nil,
    heard?: true,
    attempts: 0,
    flushed: nil,
    caught_up?: false,
    connected?: false,
    slot: nil,
    stored: nil,
    anew?: false,
    log: %Log{},
    commits: Tally.commits(),
    resumed: [],
    refills: %{},
    warned: MapSet.new(),
    stats: %{}
  ]

  @type phase :: :idle | :open | :draining | :closed
  @type t :: %State{phase: phase}

  @doc "Whether a program runs."
  defguard runs(session) when session.phase in [:open, :draining]

  @doc "Whether it hands out no more."
  @spec draining?(t) :: boolean
  def draining?(%State{phase: phase}), do: phase in [:draining, :closed]

  @doc "A message to the owner, for the stream as long as this incarnation lasts."
  @spec schedule(t, term, non_neg_integer) :: reference
  def schedule(session, message, delay) do
    Process.send_after(self(), {State, session.incarnation, message}, delay)
  end
end
