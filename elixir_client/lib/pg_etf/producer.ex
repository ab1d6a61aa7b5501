defmodule PgEtf.Producer do
  @moduledoc """
  A Broadway producer of PostgreSQL's changes.

  Reads a replication slot through the C program `pg_etf_client`, and delivers each
  inserted, updated or deleted row as a `PgEtf.Change`, in commit order. A position is
  confirmed to the server only after all messages before it have been acknowledged.

  The server needs `wal_level = logical` (`replica` from PostgreSQL 19 on), the plugin
  `pg_etf_decoding` (listed in `output_plugin_libraries` where that setting exists), and a
  role with `LOGIN` and `REPLICATION`. For updates and deletes a table needs a primary key
  or another replica identity. No publication is needed.

  ## Options

  #{PgEtf.Options.docs()}
  ## Example

      defmodule Orders do
        use Broadway
        use PgEtf.Pipeline

        def start_link(_) do
          Broadway.start_link(__MODULE__,
            name: __MODULE__,
            producer: [
              module: {PgEtf.Producer,
                       connection: Shop.Repo,
                       slot: "orders",
                       create_slot: true,
                       tables: ["public.orders", "public.order_items"]},
              concurrency: 1
            ],
            processors: [default: [concurrency: 8, partition_by: &PgEtf.partition_by/1]],
            batchers: [default: [batch_size: 500]]
          )
        end

        @impl true
        def handle_message(_, %{data: %PgEtf.Change{op: :insert, record: row}} = message, _) do
          Broadway.Message.put_data(message, row["id"])
        end

        def handle_message(_, message, _), do: Broadway.Message.put_batcher(message, :default)

        @impl true
        def handle_batch(:default, messages, _, _), do: messages
      end

  Under GenStage alone `{PgEtf.Producer, options}` is the child of a supervisor, `:name` the
  name of its process. Its events are maps with the keys `:data`, `:metadata` and
  `:acknowledger`; acknowledge them with `PgEtf.ack/2`. When a consumer exits, its
  unacknowledged messages are delivered again, to another one.

  ## Concurrency and ordering

  A slot has one reader, so there is one producer: more than one is rejected. Concurrency is
  in the processors. Messages are delivered in commit order, and within a transaction in the
  order of its changes. What your processors see:

    * With `partition_by: &PgEtf.partition_by/1`, changes of one row stay in order as long
      as its key does not change. An update that changes the key concerns two rows: it is
      routed by the old key, and may overtake or be overtaken by changes of the new one. If
      keys change, set `split_key_changes: true`: a delete of the old row and an insert of
      the new one are then routed separately, and the changes of each key stay in order.
    * Without it, order is lost with more than one processor.
    * A batcher with `concurrency: 1` receives messages of different processors interleaved,
      those of one processor in order. With a higher `concurrency` its batches run in
      parallel: it needs `partition_by: &PgEtf.partition_by/1` as well.

  The two parts of an update split by `split_key_changes` need two places: the indexes of
  all changes are doubled, the insert has the odd index after its delete, and
  `{commit_lsn, index}` stays unique and in order. If a sink stores places, set the option
  before the first one is stored. A large value that the update did not change is in the
  insert only under REPLICA IDENTITY FULL; otherwise its column is in `unchanged_toast`,
  although the sink has just deleted the row that had it.

  A truncate has no key. To keep it in order with the rows of its table, route that whole
  table to one partition, with a function of your own around `PgEtf.partition_by/1`.

  Memory is not limited by demand. `:max_in_flight` limits the number of messages between
  the producer and their acknowledgement, `:window_bytes` their bytes, and `:prefetch` what
  is read ahead; the server waits meanwhile. Batchers that wait for more messages than
  `:max_in_flight` (their `batch_size` times `concurrency`) are rejected at the start.

  Metadata of every table seen, including dropped ones, is kept until the stream restarts:
  about 350 bytes for each column, 38 MB for 10,000 tables of ten columns; what all rows of a
  table have in common, up to 64 MB, as long as the node runs (`:persistent_term`).

  `unit: :transaction` costs about half as much per change as `unit: :change`. Processors get
  `spawn_opt: [message_queue_data: :off_heap, min_heap_size: 75_000]` (0.6 MB each), and a
  `max_demand` of 50, unless you set these: with Broadway's default of 10 a message costs half
  as much again. If your handler takes longer than some 200 ms, ask for fewer: to get 10, set
  `min_demand: 5`, too. The guide "Performance" has figures.

  ## Acknowledgement and failures

  A transaction is confirmed to the server once all its messages, and those of all
  transactions before it, have been acknowledged, in any order.

  When a message fails (marked by `Broadway.Message.failed/2`, or because a callback
  raised), `:on_failure` decides:

    * `:retry` - the default. The stream restarts from the confirmed position, with
      exponential backoff while nothing succeeds. Nothing is lost, order is kept, later
      messages are delivered again, and a message that always fails blocks the slot. A large
      transaction in which some message fails each time never completes: for a sink that
      fails occasionally use `:requeue`.
    * `:requeue` - the same message is retried with exponential backoff, while the others
      continue: the order of its key is lost. After `:max_attempts` `:after_attempts`
      decides: `:halt`, `:ack`, or a function that sets the message aside. Attempts are
      counted until the stream restarts.
    * `:halt` - the stream stops, the slot stays where it is, and `PgEtf.info/1` reports
      `:halted`. `PgEtf.resume/1` continues. So does a restart of the process or its node,
      and in a cluster the next node: they receive the same message.
    * `:ack` - the failed message is acknowledged. Handle it in
      `c:Broadway.handle_failed/2`, or it is lost.

  Override it for one message:

      Broadway.Message.configure_ack(message, on_failure: :ack)

  (`:requeue` only if it is the producer's option, too.) The log, `PgEtf.info/1` and
  `[:pg_etf, :failure]` identify the message: `commit_lsn`, `index`, table and reason.

  If a function among the options raises (`:connection`, `:start_position`,
  `:store_position`), that is a failed attempt: it is logged with its stacktrace and retried
  with exponential backoff.

  After a permanent error (a wrong password, a missing slot; see `PgEtf.Error`) `:on_error`
  decides:

    * `:halt` - the default. The rest of the application is not affected. The log has one
      error with a hint, `PgEtf.info/1` the status `:halted` and the error. The stream
      retries after `:retry_after`, or on `PgEtf.resume/1`. It never recreates a slot that
      this node has read: changes between the two would be lost. See `PgEtf.resume/2`.
    * `:stop` - the producer stops with the `PgEtf.Error`. Broadway restarts it a few times,
      then the pipeline exits, and then perhaps its supervisor.

  The log reports changes of state, not attempts: where the stream is connected; the first
  failure, each new reason, and once a minute that it persists; an error if it persists for
  long; and that the failed message has been handled.

  When a stage of the pipeline dies, the messages it held would be lost silently. The
  producer monitors the stages, and restarts from the confirmed position. A message that has
  not been acknowledged for `:stall_after` milliseconds is reported, since the slot waits
  for it.

  ## The slot

  `create_slot: true` creates the slot if it does not exist. It only contains changes made
  after its creation, which the log says. A node that has read a slot since it was started
  does not recreate it; `create_slot: :once`, with `:start_position` and `:store_position`,
  recognizes it by the stored position, on any node.

  ## Delivery guarantee

  At least once, in commit order. A change is delivered again if the stream restarts before
  its transaction was confirmed: after a crash, a retry, or the loss of the C program. It is
  then the same change, with the same `commit_lsn` and `index`, and all other changes of its
  transaction and of later ones are delivered again, too. A lost connection to the server
  alone repeats nothing, unless a function has to be called for the connection again.

  A sink that stores `{commit_lsn, index}`, or a position below which everything is done,
  can skip duplicates; with `:start_position` they are not sent at all. See the guide
  "Exactly once with Ecto".

  While another process reads the slot the stream stands by. Transient failures (network,
  restart of the server) are retried with exponential backoff.

  At shutdown nothing new is delivered, Broadway finishes what has been delivered, and the
  last position is confirmed.

  ## Metadata

  With `unit: :change`:

    * `:schema`, `:table`, `:op` - as in the change
    * `:commit_lsn`, `:index` - its place in the total order
    * `:xid`, `:commit_time`, `:headers` - of its transaction

  With `unit: :transaction`:

    * `:part` - `:whole`, `:first`, `:middle` or `:last`
    * `:commit_lsn`, `:index` - the place of its first change
    * `:xid`, `:commit_time`, `:headers`

  ## Telemetry

  See `PgEtf.Telemetry` for the events, and `PgEtf.info/1` for the state of a stream.

  ## Testing

  `Broadway.test_message/3` and `Broadway.test_batch/3` need a running pipeline, but no
  database: with `testing: :manual` the producer connects to none. `config :pg_etf, testing:
  :manual` in `config/test.exs` makes that the default of all streams.

      defmodule Shipments do
        use Broadway

        def start_link(opts) do
          opts = Keyword.merge([connection: [database: "shop"], slot: "shipments"], opts)

          Broadway.start_link(__MODULE__,
            name: __MODULE__,
            producer: [module: {PgEtf.Producer, opts}, concurrency: 1],
            processors: [default: []]
          )
        end

        @impl true
        def handle_message(_, %{data: %PgEtf.Change{} = change} = message, _) do
          Broadway.Message.put_data(message, change.key)
        end
      end

      # a test
      start_supervised!({Shipments, testing: :manual})
      change = PgEtf.Testing.insert("shipments", %{"id" => 7})
      ref = Broadway.test_message(Shipments, change, metadata: PgEtf.Testing.metadata(change))
      assert_receive {:ack, ^ref, [%{data: %{"id" => 7}}], []}

  `PgEtf.Testing` builds the changes. `PgEtf.Sandbox` is a private PostgreSQL for tests of the
  whole way.
  """

  # A set of callbacks: it compiles without GenStage and Broadway, and is held to their
  # behaviours where they are. What it knows about the stream is in PgEtf.Stream.Session;
  # here are demand, messages and the life of the process.

  alias PgEtf.{Error, Options, Pipeline}
  alias PgEtf.Producer.{Acknowledger, Message, Setup, Topology, Tuning}
  alias PgEtf.Stream.{Health, Session, State, Summary}
  alias __MODULE__

  for behaviour <- [GenStage, Broadway.Producer], Code.ensure_loaded?(behaviour) do
    @behaviour behaviour
  end

  # opts      validated
  # session   the stream
  # demand    messages that consumers have asked for and not got
  # message   what a message is made from
  # stages    monitors of the processes that hold messages
  # shares    how many of them are to have a part of what there is
  # more?     the rest of what there is follows
  @derive {Inspect, except: [:opts]}
  defstruct [:opts, :session, :message, demand: 0, stages: %{}, shares: 1, more?: false]

  @doc "A child specification, for GenStage alone."
  @spec child_spec(keyword) :: Supervisor.child_spec()
  defdelegate child_spec(opts), to: Setup

  @doc false
  def prepare_for_start(module, broadway) do
    {producer, opts} = broadway[:producer][:module]
    Topology.check!(broadway, Setup.validate!(opts))
    {broadway, opts} = Pipeline.prepare(module, broadway, Options.conceal(opts))
    broadway = Tuning.tune(broadway)
    {[], put_in(broadway, [:producer, :module], {producer, opts})}
  end

  @doc false
  def init(opts) do
    Process.flag(:trap_exit, true)
    opts = Setup.validate!(opts)
    # The database is for later: whoever starts this must not wait for it.
    send(self(), {Producer, :connect, 1})
    state = %Producer{opts: opts, session: Session.new(opts), message: Message.template()}
    publish(state)
    {:producer, %{state | shares: Tuning.shares(opts)}, buffer_size: :infinity}
  end

  @doc false
  def handle_demand(demand, %Producer{} = state) do
    emit(%{state | demand: state.demand + demand})
  end

  # The stream is not connected before all stages exist and are monitored.
  @doc false
  def handle_info({Producer, :connect, look}, state) do
    case Topology.watch(state.opts, look) do
      {:ok, stages} ->
        state.session |> Session.connect() |> continue(%{state | stages: stages})

      {:wait, pause} ->
        Process.send_after(self(), {Producer, :connect, look + 1}, pause)
        publish(state)
        {:noreply, [], state}
    end
  end

  def handle_info({Producer, :more}, state), do: emit(%{state | more?: false})

  def handle_info({Acknowledger, incarnation, seqs, failures}, state) do
    emit(%{state | session: Session.ack(state.session, incarnation, seqs, failures)})
  end

  # Whatever a stage held when it died is lost silently. A restart makes the consumers
  # subscribe again, with correct demand.
  def handle_info({:DOWN, monitor, :process, _pid, reason}, state)
      when is_map_key(state.stages, monitor) do
    {stage, stages} = Map.pop!(state.stages, monitor)
    state = %{state | stages: stages}

    if State.draining?(state.session) do
      {:noreply, [], state}
    else
      {:stop, {:shutdown, {:stage_down, stage, reason}}, state}
    end
  end

  def handle_info(message, state) do
    case Session.handle_info(state.session, message) do
      :unknown -> {:noreply, [], state}
      result -> continue(result, state)
    end
  end

  # Under GenStage alone a consumer that ends takes along what it held, and nobody
  # acknowledges that. What it had asked for stays asked for: GenStage gives it to
  # the next one. Under Broadway the stages are watched instead.
  @doc false
  def handle_cancel(_reason, _from, %Producer{session: session} = state) do
    if State.draining?(session) or not Session.in_flight?(session) do
      {:noreply, [], state}
    else
      error = %Error{
        class: :failure,
        message: "a consumer exited, its messages are delivered again"
      }

      emit(%{state | session: Session.retry(session, error)})
    end
  end

  @doc false
  def handle_call({PgEtf, {:resume, opts}}, from, state) do
    reply(from, :ok)
    state.session |> Session.resume(opts) |> continue(state)
  end

  def handle_call({PgEtf, {request, what}}, from, state) when request in [:backfill, :update] do
    {answer, session} = apply(Session, request, [state.session, what])
    reply(from, answer)
    continue({:ok, session}, state)
  end

  @doc false
  def handle_cast(_message, state), do: {:noreply, [], state}

  @doc false
  def prepare_for_draining(state) do
    {:noreply, [], %{state | session: Session.drain(state.session)}}
  end

  @doc false
  def terminate(_reason, state) do
    Session.close(state.session)
    :ok
  end

  # GenStage knows this form only; under Broadway the state is a part of its own.
  @doc false
  def format_status(:normal, [_dictionary, state]), do: [data: [{~c"State", summary(state)}]]
  def format_status(:terminate, [_dictionary, state]), do: summary(state)

  defp summary(%Producer{session: session, demand: demand}) do
    session |> Summary.of() |> Map.put(:demand, demand)
  end

  defp continue({:ok, session}, state), do: emit(%{state | session: session})

  defp continue({:stop, error, session}, state),
    do: {:stop, {error, []}, %{state | session: session}}

  defp emit(%Producer{} = state) do
    share = Tuning.share(Session.queued(state.session), state.demand, state.shares)
    {items, session} = Session.take(state.session, share)
    messages = Message.build(items, session.incarnation, state.message, state.opts[:on_failure])
    state = %{state | session: session, demand: state.demand - length(items)}
    publish(state)
    {:noreply, messages, if(share == length(items), do: follow(state), else: state)}
  end

  # GenStage gives all that a callback returns to the processor with the most demand.
  defp follow(%Producer{more?: more?, demand: demand} = state) when more? or demand == 0,
    do: state

  defp follow(state) do
    send(self(), {Producer, :more})
    %{state | more?: true}
  end

  defp publish(state), do: Health.publish(state.session, %{demand: state.demand})

  # GenStage.reply/2, which is GenServer's.
  defp reply(from, reply), do: GenServer.reply(from, reply)
end
