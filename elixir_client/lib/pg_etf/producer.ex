defmodule PgEtf.Producer do
  @moduledoc """
  A Broadway producer of PostgreSQL's changes.

  Reads a replication slot through the C program `pg_etf_client`, and hands out each
  row that was inserted, updated or deleted as a `PgEtf.Change`, in commit order.
  The slot is confirmed only as far as all messages have been acknowledged.

  The server needs `wal_level = logical` (`replica` from PostgreSQL 19 on), the plugin
  `pg_etf_decoding` (named in `output_plugin_libraries` where that setting exists), and a
  role with `LOGIN` and `REPLICATION`. For updates and deletes a table needs a primary key or another
  replica identity. No publication is needed.

  ## Options

  #{PgEtf.Options.docs()}
  ## Example

      defmodule Orders do
        use Broadway

        def start_link(_) do
          Broadway.start_link(__MODULE__,
            name: __MODULE__,
            producer: [
              module: {PgEtf.Producer,
                       connection: [
                         hostname: "db",
                         database: "shop",
                         username: "cdc",
                         password: System.fetch_env!("PGPASSWORD")
                       ],
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

  Under GenStage alone the same options start a producer with
  `GenStage.start_link(PgEtf.Producer, options)`. Its events are maps with the keys
  `:data`, `:metadata` and `:acknowledger`; acknowledge them with `PgEtf.ack/2`. When a
  consumer ends while messages are not acknowledged, they come again, to another one.

  ## Concurrency and ordering

  A slot has one reader, so there is one producer: more than one is refused.
  Concurrency is in the processors. Messages are handed out in commit order, and
  within a transaction in the order of its changes. What processors make of it:

    * With `partition_by: &PgEtf.partition_by/1`, changes of one row stay in order as long
      as its key stays the same. An update that changes the key is about two rows: it goes
      the way of the old key, and may be overtaken by, or overtake, changes of the new one.
      Where keys change, set `split_key_changes: true`: a delete of the old row and an
      insert of the new one then go each its own way, and the changes of each key stay
      in order.
    * Without it, no order is left with more than one processor.
    * A batcher with `concurrency: 1` gets messages of different processors mixed,
      those of one processor in order. With a higher `concurrency` its batches run beside
      each other: it needs `partition_by: &PgEtf.partition_by/1` as well.

  What `split_key_changes` makes of an update has two places: the indexes of all changes
  are doubled, so that the insert has the odd one after its delete, and `{commit_lsn,
  index}` stays unique and in order. Where a sink stores places, set it before the first
  one. A large value that the update left alone is in the insert only under REPLICA
  IDENTITY FULL; otherwise its column is in `unchanged_toast`, although the sink has just
  deleted the row that had it.

  A truncate goes the way of a table without keys: to keep it in order with the rows
  of its table, send that table one way, with a function of your own around
  `PgEtf.partition_by/1`.

  Demand is not what limits memory. `:max_in_flight` bounds how many messages are
  between the producer and their acknowledgement, `:window_bytes` bounds their bytes,
  and `:prefetch` what is read ahead; the server waits meanwhile. Batchers that wait for
  more messages than `:max_in_flight` (their `batch_size` times `concurrency`) are
  refused at the start.

  The tables met are remembered until the stream starts again, also those that have
  been dropped: about 350 bytes for each column, 38 MB for 10,000 tables of ten.

  Where the rate matters: `unit: :transaction` costs about half of a message for each
  change. Processors should keep waiting messages out of their heaps, and ask for more
  than Broadway's 10 when messages are changes, which saves a third:

      processors: [
        default: [max_demand: 200, spawn_opt: [message_queue_data: :off_heap]]
      ]

  ## Acknowledgement and failures

  A transaction is confirmed to the server when all its messages, and those of all
  transactions before it, are acknowledged. They may be acknowledged in any order.

  A message that fails (marked by `Broadway.Message.failed/2`, or because a callback
  raised) does what `:on_failure` says:

    * `:retry` - the default. The stream starts again from the confirmed position, after
      a pause that grows while nothing succeeds. Nothing is lost, the order stands, later
      messages come again, and a message that always fails holds up the slot. A large
      transaction of which some message fails each time is never done: for a sink that
      fails now and then take `:requeue`.
    * `:requeue` - the same message comes again after a pause that grows, and the others
      go on: the order of its key is given up. After `:max_attempts` it does what
      `:after_attempts` says: `:halt`, `:ack`, or a function that puts it aside. Attempts
      are counted as long as the stream lasts.
    * `:halt` - the stream ends, the slot stays where it is, and `PgEtf.info/1` says
      `:halted`. `PgEtf.resume/1` goes on. So does a restart of the process or its node,
      and in a cluster the next node: they meet the same message.
    * `:ack` - the failed message counts as done. Handle it in
      `c:Broadway.handle_failed/2`, or it is lost.

  A message can have its own way:

      Broadway.Message.configure_ack(message, on_failure: :ack)

  (`:requeue` only where it is the producer's option, too.) The log, `PgEtf.info/1` and
  `[:pg_etf, :failure]` name the message: `commit_lsn`, `index`, table and reason.

  A function among the options that raises (`:connection`, `:start_position`,
  `:store_position`) is a failed attempt: told with its stacktrace, and tried again after a
  pause that grows.

  An error that does not pass by itself (a wrong password, a slot that is gone; see
  `PgEtf.Error`) does what `:on_error` says:

    * `:halt` - the default. Nothing else of the application is concerned. The log has one
      error with a hint, `PgEtf.info/1` the status `:halted` and the error. The next attempt
      is made after `:retry_after`, or by `PgEtf.resume/1`. It never makes a slot anew that
      this node has read: changes would be missing between the two. See `PgEtf.resume/2`.
    * `:stop` - the producer stops with the `PgEtf.Error`. Broadway starts it again a few
      times, then the pipeline ends, and then perhaps what supervises it.

  The log tells changes, not attempts: where the stream is connected; the first failure and
  each new reason, and once a minute that it lasts; an error when nothing helped for long.

  When a stage of the pipeline dies, the messages that it held are gone without a
  word. The producer watches the stages, and starts anew from the confirmed
  position. A message that is not acknowledged for `:stall_after` milliseconds is
  reported, since the slot waits for it.

  ## The slot

  `create_slot: true` makes the slot when there is none: changes made before are not in
  it, which the log says. A slot that is gone is not made anew by a node that has read it
  since it was started; `create_slot: :once`, with `:start_position` and `:store_position`,
  knows it by the stored position, on any node.

  ## Delivery guarantee

  At least once, in commit order. A change comes again when the stream starts anew
  before its transaction was confirmed: after a crash, a retry, a lost C program. It
  is then the same change, with the same `commit_lsn` and `index`, and all changes of
  its transaction and of those after it come again, too. A lost connection to the server alone
  repeats nothing, unless a function has to be asked for the connection again.

  A sink that stores `{commit_lsn, index}`, or a position of which it knows that all
  before it is done, can drop what it has seen; with `:start_position` it does not even
  come. See the guide "Exactly once with Ecto".

  While another process reads the slot the stream stands by. A failure that passes
  (network, restart of the server) is tried again with growing pauses.

  At shutdown nothing new is handed out, what is handed out is finished by Broadway, and
  the last position is confirmed.

  ## Metadata

  With `unit: :change`:

    * `:schema`, `:table`, `:op` - as in the change
    * `:commit_lsn`, `:index` - its place in the total order
    * `:xid`, `:commit_time` - of its transaction

  With `unit: :transaction`:

    * `:part` - `:whole`, `:first`, `:middle` or `:last`
    * `:commit_lsn`, `:index` - the place of its first change
    * `:xid`, `:commit_time`

  ## Telemetry

  See `PgEtf.Telemetry` for the events, and `PgEtf.info/1` for the state of a stream.

  ## Testing

  `Broadway.test_message/3` and `Broadway.test_batch/3` need no database, but a pipeline
  that runs, and one with this producer looks for a server. So let the producer be
  given, and the application start the pipeline only where there is one:

      defmodule Shipments do
        use Broadway

        @producer {PgEtf.Producer, connection: [database: "shop"], slot: "shipments"}

        def start_link(opts) do
          Broadway.start_link(__MODULE__,
            name: __MODULE__,
            producer: [module: Keyword.get(opts, :producer, @producer), concurrency: 1],
            processors: [default: []]
          )
        end

        @impl true
        def handle_message(_, %{data: %PgEtf.Change{} = change} = message, _) do
          Broadway.Message.put_data(message, change.key)
        end
      end

      # the children of the application, with `config :shop, cdc: false` in config/test.exs
      if Application.get_env(:shop, :cdc, true), do: [{Shipments, []}], else: []

      # a test
      start_supervised!({Shipments, producer: {Broadway.DummyProducer, []}})
      change = PgEtf.Test.insert("shipments", %{"id" => 7})
      ref = Broadway.test_message(Shipments, change, metadata: PgEtf.Test.metadata(change))
      assert_receive {:ack, ^ref, [%{data: %{"id" => 7}}], []}

  `PgEtf.Test` builds the changes. `PgEtf.Sandbox` is a private PostgreSQL for tests of
  the whole way.
  """

  # This module is a set of callbacks: it uses neither GenStage nor Broadway, so
  # it compiles without them. What it knows about the stream is in PgEtf.Session;
  # here are demand, messages and the life of the process.

  alias PgEtf.{Acknowledger, Error, Log, Options, Session}
  alias PgEtf.Producer.{Message, Topology}
  alias __MODULE__

  require Logger

  # Milliseconds between two looks for stages that are not there yet, and how many
  # looks there are before the log tells what is waited for.
  @stages_pause 10
  @stages_patience 500

  # opts      validated
  # session   the stream
  # demand    messages that consumers have asked for and not got
  # message   what a message is made from
  # stages    monitors of the processes that hold messages
  @derive {Inspect, except: [:opts]}
  defstruct [:opts, :session, :message, demand: 0, stages: %{}]

  @doc false
  def prepare_for_start(module, broadway) do
    {producer, opts} = broadway[:producer][:module]
    Topology.check!(broadway, validate!(opts))
    opts = opts |> Options.conceal() |> Keyword.put(:broadway_module, module)
    {[], put_in(broadway, [:producer, :module], {producer, opts})}
  end

  defp validate!(opts) do
    opts = Options.validate!(opts)

    if opts[:create_slot] == :once and !(opts[:start_position] && opts[:store_position]) do
      raise ArgumentError,
            "create_slot: :once needs a stored position: :start_position and :store_position"
    end

    opts
  end

  @doc false
  def init(opts) do
    Process.flag(:trap_exit, true)
    opts = validate!(opts)
    # The database is for later: whoever starts this must not wait for it.
    send(self(), {Producer, :connect, 1})
    state = %Producer{opts: opts, session: Session.new(opts), message: Message.template()}
    tell(state)
    {:producer, state, buffer_size: :infinity}
  end

  @doc false
  def handle_demand(demand, %Producer{} = state) do
    emit(%{state | demand: state.demand + demand})
  end

  # There is nothing to hand out before the stream is connected, and it is not
  # connected before all stages are there and watched.
  @doc false
  def handle_info({Producer, :connect, look}, state) do
    case Topology.watch(state.opts) do
      {:ok, stages} ->
        state.session |> Session.connect() |> continue(%{state | stages: stages})

      {:missing, names} ->
        if look == @stages_patience, do: tell_missing(state.session, names)
        Process.send_after(self(), {Producer, :connect, look + 1}, @stages_pause)
        tell(state)
        {:noreply, [], state}
    end
  end

  def handle_info({Acknowledger, incarnation, seqs, failures}, state) do
    emit(%{state | session: Session.ack(state.session, incarnation, seqs, failures)})
  end

  # What a stage held when it died is gone, and nobody will say so. Starting
  # anew makes the consumers subscribe again, with demand that is true.
  def handle_info({:DOWN, monitor, :process, _pid, reason}, state)
      when is_map_key(state.stages, monitor) do
    {stage, stages} = Map.pop!(state.stages, monitor)
    state = %{state | stages: stages}

    if state.session.draining? do
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
    if session.draining? or not Session.in_flight?(session) do
      {:noreply, [], state}
    else
      error = %Error{class: :failure, message: "a consumer ended, and its messages come again"}
      emit(%{state | session: Session.retry(session, error)})
    end
  end

  @doc false
  def handle_call({PgEtf, {:resume, opts}}, from, state) do
    reply(from, :ok)
    state.session |> Session.resume(opts) |> continue(state)
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
    session |> Session.Summary.of() |> Map.put(:demand, demand)
  end

  defp continue({:ok, session}, state), do: emit(%{state | session: session})

  defp continue({:stop, error, session}, state),
    do: {:stop, {error, []}, %{state | session: session}}

  defp emit(%Producer{} = state) do
    {items, session} = Session.take(state.session, state.demand)
    messages = Message.build(items, session.incarnation, state.message, state.opts[:on_failure])
    state = %{state | session: session, demand: state.demand - length(items)}
    tell(state)
    {:noreply, messages, state}
  end

  defp tell(state), do: Session.Health.tell(state.session, %{demand: state.demand})

  # GenStage.reply/2, which is GenServer's.
  defp reply(from, reply), do: GenServer.reply(from, reply)

  defp tell_missing(session, names) do
    names = Enum.map_join(names, ", ", &inspect/1)
    Logger.warning("#{Log.label(session.opts)}: waits for #{names} to start")
  end
end
