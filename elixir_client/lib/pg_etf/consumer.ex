defmodule PgEtf.Consumer do
  @moduledoc ~S"""
  A process that handles changes one after the other, without Broadway.

  A module with `c:handle_transaction/2` receives whole transactions, one with
  `c:handle_changes/2` lists of changes, both in commit order. Returning `{:ok, state}`
  acknowledges them.

  ## Options

  Those of `PgEtf.Producer`, and a few more: see `start_link/3`.

  ## Example

      defmodule Audit do
        use PgEtf.Consumer, slot: "audit", create_slot: true

        @impl true
        def handle_transaction(transaction, state) do
          for change <- transaction.changes, do: IO.inspect(change)
          {:ok, state}
        end
      end

      children = [{Audit, connection: [database: "shop"]}]
      Supervisor.start_link(children, strategy: :one_for_one)

  `use PgEtf.Consumer` declares the behaviour and defines `start_link/1` and `child_spec/1`,
  which can be overridden. Both take the options of `start_link/3` and `:arg`, the argument
  of `c:init/1`. Those given to `use` are defaults; among them may be `:id`, `:restart` and
  `:shutdown` for the child specification. Without `use`, a child is
  `{PgEtf.Consumer, {Audit, arg, options}}`.

  The same in Erlang:

      -module(audit).
      -behaviour(pg_etf_consumer).
      -export([start_link/0, handle_transaction/2]).

      start_link() ->
          pg_etf:start_link(?MODULE, no_state,
                            [{connection, [{database, "shop"}]}, {slot, "audit"}, create_slot]).

      handle_transaction(#{changes := Changes}, State) ->
          [io:format("~p ~p~n", [Op, Row]) || #{op := Op, record := Row} <- Changes],
          {ok, State}.

  ## Concurrency and ordering

  One process, one change after the other. While a callback runs, the C program answers the
  server, and what arrives is queued within the limits of `:prefetch` and `:window_bytes`: a
  callback may take as long as it needs.

  ### Handled later

  A callback that only starts the work returns `{:noack, state}`. Then whoever has done it
  calls `ack/2`, from any process and in any order, with what the callback received; or
  `fail/3`, and `:on_failure` decides. Meanwhile the consumer continues, up to
  `:max_in_flight` and `:window_bytes`. The position moves over what is acknowledged without
  a gap, what is not acknowledged is delivered again after a restart, and one that is never
  acknowledged is reported after `:stall_after`. With `c:handle_info/2` the consumer learns of
  results by messages:

      defmodule Search do
        use PgEtf.Consumer, slot: "search", batch_size: 500

        @impl true
        def handle_changes(changes, consumer_state) do
          consumer = self()

          Task.Supervisor.start_child(Search.Tasks, fn ->
            case Search.Index.put(changes) do
              :ok -> PgEtf.Consumer.ack(consumer, changes)
              {:error, reason} -> PgEtf.Consumer.fail(consumer, changes, reason)
            end
          end)

          {:noack, consumer_state}
        end
      end

  A task that dies without a word is a message that is never acknowledged: monitor it, or
  let `c:handle_info/2` take its `:DOWN`.

  ## Acknowledgement and failures

  `{:error, reason, state}`, an exception, a throw, an exit and any other result of a
  callback are failures of what was passed to it. `:on_failure` decides what happens next:
  see `PgEtf.Producer`, with these differences:

    * With `:requeue` the callback is called again with the same argument, after a delay,
      and nothing else is handled before it: order is kept. The process is not blocked
      meanwhile.
    * A position that `c:handle_position/2` did not store is not confirmed, whatever
      `:on_failure` is, and the stream restarts. **Its `{:ok, state}` is a promise**: if the
      position is not stored after all, the next start ends with `:gap`.

  If `c:checkpoint/1` raises, it is retried with exponential backoff. After an exception the
  state is that before the callback. With `on_exception: :crash` the process crashes
  instead, and the supervisor decides. `c:init/1` is part of the start: an exception in it
  fails `start_link/3`.

  So the process only exits when it is told to. It needs no supervisor of its own, and does
  not affect the one it has; monitor `PgEtf.info/1`, the log or `PgEtf.Telemetry` for a
  stream that has stopped. A halt lasts as long as the process: after a restart, or on
  another node of a cluster, the same message is retried.

  ## The slot

  `create_slot: true`, as above, creates the slot if it does not exist. It only contains
  changes made after its creation, which the log says. When a slot that was being read is
  dropped, the changes not read yet are lost, and a new slot would hide that. So a node that
  has read a slot does not recreate it, whatever is restarted: the consumer halts with
  `:slot_missing` until you call `PgEtf.resume/2` with `create_slot: true`. Across nodes
  only a stored position remembers: give a consumer with `c:checkpoint/1` and
  `c:handle_position/2` the option `create_slot: :once`. It creates the slot while
  `c:checkpoint/1` returns `nil`, and has `c:handle_position/2` store where the slot starts
  before anything is handled.

  ## Delivery guarantee

  At least once, in commit order. Exactly once if the position is stored with the data, in
  the same transaction of the sink, and compared with the one read before. `PgEtf.Position`
  does that: `c:handle_transaction/2` advances it, and `c:checkpoint/1` reads it.
  `c:handle_position/2` stores positions when the server advances without matching changes;
  without it the slot stays at the last acknowledged transaction while the server advances.

  ### Prepared transactions

  By default a transaction that is prepared (PREPARE TRANSACTION) arrives when it is committed,
  like any other: that is what nearly every consumer wants. With `two_phase: true` it arrives
  when it is prepared, in `c:handle_prepare/2`, and later `c:handle_commit_prepared/2` or
  `c:handle_rollback_prepared/2` says what became of it. What the callbacks promise:

    * `c:handle_prepare/2` stores the changes where nobody sees them, durably, before it returns
      `{:ok, state}`: once that is confirmed they never come again, not even if the decision is
      still to come. They come in parts like those of `c:handle_transaction/2`.
    * It replaces what is stored under the same `prepared` and `commit_lsn`: after a crash it
      receives the same again. One that was prepared before the slot was a two-phase slot
      arrives right before its commit, at each start until that is confirmed; its `end_lsn` lies
      before positions that came earlier, so a position neither excludes nor advances with it.
    * Its contents may be incomplete if the transaction was rolled back meanwhile: only
      `c:handle_commit_prepared/2` makes anything of them visible.
    * A decision about an unknown `gid` is ignored.

  The slot becomes a two-phase slot with the first start (PostgreSQL 15 or later; 14 needs one
  that was created so), and remains one: without `two_phase: true` the stream ends with
  `:config`, since what would be prepared meanwhile would be lost.

  ## Metadata

  See `PgEtf.Transaction` and `PgEtf.Change`.

  ## Telemetry

  See `PgEtf.Telemetry` for the events, and `PgEtf.info/1` for the state of a consumer,
  which is available even while a callback runs.

  ## Testing

  Call the callbacks with what `PgEtf.Testing` builds.
  """

  alias PgEtf.{Change, Error, Lsn, Options, Prepared, Producer, Transaction}
  alias PgEtf.Consumer.{Held, Server, Setup}

  @type state :: term
  @type result :: {:ok, state} | {:noack, state} | {:error, reason :: term, state}
  @type stored :: {:ok, state} | {:error, reason :: term, state}

  @doc "Called once, before anything is read. If not defined, `arg` becomes the initial state."
  @callback init(arg :: term) :: {:ok, state}

  @doc """
  Handles a transaction, or a part of a large one. `{:ok, state}` acknowledges it;
  `{:noack, state}` leaves that to `ack/2`.
  """
  @callback handle_transaction(Transaction.t(), state) :: result

  @doc """
  Handles changes, in commit order and never more than `:batch_size`. `{:ok, state}`
  acknowledges all of them; `{:noack, state}` leaves that to `ack/2`.
  """
  @callback handle_changes([Change.t(), ...], state) :: result

  @doc """
  Where to continue: the position stored with the data, or `nil` if none is stored; with a
  new state, if it has to remember what was read. Called before each start of the stream,
  and when a slot has become free that was read elsewhere meanwhile.
  """
  @callback checkpoint(state) :: Lsn.t() | nil | {Lsn.t() | nil, state}

  @doc """
  Called when the server advanced without matching changes; store the position as you would
  a transaction's.
  """
  @callback handle_position(Lsn.t(), state) :: stored

  @doc """
  With `two_phase: true`: handles a transaction at PREPARE TRANSACTION, or a part of a large one.
  See "Prepared transactions".
  """
  @callback handle_prepare(Transaction.t(), state) :: result

  @doc """
  With `two_phase: true`: a prepared transaction was committed.
  """
  @callback handle_commit_prepared(Prepared.t(), state) :: result

  @doc """
  With `two_phase: true`: a prepared transaction was rolled back.
  """
  @callback handle_rollback_prepared(Prepared.t(), state) :: result

  @doc """
  Handles a message that another process sent: a timer, the result of a task. After an
  exception, or any other result, the message is dropped, and the log says so. Without this
  callback such messages are dropped.
  """
  @callback handle_info(message :: term, state) ::
              {:noreply, state} | {:stop, reason :: term, state}

  @doc """
  Called when the consumer stops. The reason is `:shutdown` if it was stopped, and with
  `on_error: :stop` a `PgEtf.Error` if the stream cannot continue. Not called when the
  stream halts.
  """
  @callback handle_stop(:shutdown | Error.t() | term, state) :: term

  @optional_callbacks init: 1,
                      handle_transaction: 2,
                      handle_changes: 2,
                      checkpoint: 1,
                      handle_position: 2,
                      handle_prepare: 2,
                      handle_commit_prepared: 2,
                      handle_rollback_prepared: 2,
                      handle_info: 2,
                      handle_stop: 2

  @doc false
  defmacro __using__(opts) do
    quote location: :keep do
      @behaviour PgEtf.Consumer

      @doc "A child specification: see `PgEtf.Consumer`."
      def child_spec(opts) do
        PgEtf.Consumer.child_spec(__MODULE__, opts, unquote(opts))
      end

      @doc "Starts the consumer: see `PgEtf.Consumer`."
      def start_link(opts) do
        PgEtf.Consumer.start_used(__MODULE__, opts, unquote(opts))
      end

      defoverridable child_spec: 1, start_link: 1
    end
  end

  @doc """
  Starts a consumer.

  `module` has the callbacks, `arg` is passed to its `init/1`. The options are those of
  `PgEtf.Producer`, except `:unit` and `:store_position`, which the callbacks determine, and:

    * `:name` - registers the process, which `PgEtf.info/1` and the like then know by it.
    * `:batch_size` - (`100`) maximum number of changes for `c:handle_changes/2`. Raise it
      for a sink that takes thousands at once; as many are read ahead. Its earlier name is
      `:max_changes`.
    * `:batch_timeout` - (`0`) milliseconds to wait for that many, from the first one on.
      With 0 `c:handle_changes/2` receives what has arrived.
    * `:two_phase` - (`false`) whether to handle transactions that are prepared (PREPARE
      TRANSACTION, PostgreSQL 14 or later) when they are prepared, not when they are committed.
      Needs `c:handle_transaction/2`, `c:handle_prepare/2`, `c:handle_commit_prepared/2` and
      `c:handle_rollback_prepared/2`; see "Prepared transactions". **A slot that was read with
      it must always be**: see there.

  Options and callbacks that contradict each other raise `ArgumentError`.
  """
  @spec start_link(module, term, keyword) :: GenServer.on_start()
  def start_link(module, arg, opts) do
    {server_opts, opts} = Keyword.split(opts, [:name])
    opts = Keyword.put(opts, :name, server_opts[:name] || module)
    {opts, own} = Setup.validate!(module, opts)
    GenServer.start_link(Server, {module, arg, opts, own}, server_opts)
  end

  @doc "A child specification: `{PgEtf.Consumer, {module, arg, options}}`."
  @spec child_spec({module, term, keyword}) :: Supervisor.child_spec()
  def child_spec({module, arg, opts}) do
    %{
      id: opts[:name] || module,
      start: {__MODULE__, :start_link, [module, arg, Options.conceal(opts)]},
      shutdown: 2 * Keyword.get(opts, :shutdown_timeout, 5_000)
    }
  end

  @child [:id, :restart, :shutdown]

  @doc false
  # Of a module that uses this one.
  @spec child_spec(module, keyword, keyword) :: Supervisor.child_spec()
  def child_spec(module, opts, defaults) do
    {child, all} = defaults |> Keyword.merge(opts) |> Keyword.split(@child)
    start = {module, :start_link, [opts |> Keyword.drop(@child) |> Options.conceal()]}
    {module, nil, all} |> child_spec() |> Map.put(:start, start) |> Map.merge(Map.new(child))
  end

  @doc false
  @spec start_used(module, keyword, keyword) :: GenServer.on_start()
  def start_used(module, opts, defaults) do
    opts = defaults |> Keyword.drop(@child) |> Keyword.merge(opts)
    {arg, opts} = Keyword.pop(opts, :arg)
    start_link(module, arg, opts)
  end

  @typedoc "What a callback received: one, or a list of them or of some of them."
  @type handled ::
          Change.t() | Transaction.t() | Prepared.t() | [Change.t() | Transaction.t()]

  @doc """
  Acknowledges what a callback has left for later with `{:noack, state}`.

  The consumer is a pid or a name. What is not waiting to be acknowledged is ignored.
  """
  @spec ack(GenServer.server(), handled) :: :ok
  def ack(consumer, handled) do
    GenServer.cast(consumer, {Server, :ack, handled |> List.wrap() |> Enum.map(&Held.place/1)})
  end

  @doc """
  What a callback has left for later has failed: `:on_failure` decides what happens, as
  after `{:error, reason, state}`.
  """
  @spec fail(GenServer.server(), handled, reason :: term) :: :ok
  def fail(consumer, handled, reason) do
    places = for data <- List.wrap(handled), into: %{}, do: {Held.place(data), metadata(data)}
    GenServer.cast(consumer, {Server, :fail, places, reason})
  end

  defp metadata(data), do: Producer.Message.metadata(data)
end
