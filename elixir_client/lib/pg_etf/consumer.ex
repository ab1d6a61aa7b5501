defmodule PgEtf.Consumer do
  @moduledoc ~S"""
  A process that handles changes one after the other, without Broadway.

  A module with `c:handle_transaction/2` gets whole transactions, one with
  `c:handle_changes/2` gets lists of changes, both in commit order. What it returns
  `{:ok, state}` for is acknowledged.

  ## Options

  Those of `PgEtf.Producer`, and two more: see `start_link/3`.

  ## Example

      defmodule Audit do
        @behaviour PgEtf.Consumer

        @impl true
        def handle_transaction(transaction, state) do
          for change <- transaction.changes, do: IO.inspect(change)
          {:ok, state}
        end
      end

      children = [
        {PgEtf.Consumer,
         {Audit, :no_state, connection: [database: "shop"], slot: "audit", create_slot: true}}
      ]

      Supervisor.start_link(children, strategy: :one_for_one)

  The same in Erlang:

      -module(audit).
      -behaviour('Elixir.PgEtf.Consumer').
      -export([start_link/0, handle_transaction/2]).

      start_link() ->
          'Elixir.PgEtf.Consumer':start_link(?MODULE, no_state,
                                             [{connection, [{database, "shop"}]},
                                              {slot, "audit"},
                                              {create_slot, true}]).

      handle_transaction(#{changes := Changes}, State) ->
          [io:format("~p ~p~n", [Op, Row]) || #{op := Op, record := Row} <- Changes],
          {ok, State}.

  ## Concurrency and ordering

  One process, one change after the other. While a callback runs, the C program
  answers the server, and what arrives waits within the bounds of `:prefetch` and
  `:window_bytes`: a callback may take as long as it needs.

  ## Acknowledgement and failures

  `{:error, reason, state}`, an exception, a throw, an exit and any other answer of a
  callback are failures of what it was given, and do what `:on_failure` says: see
  `PgEtf.Producer`, with these differences:

    * With `:requeue` the callback is called again with the same, after a pause, and
      nothing else is handled before it: the order stands. The process is free meanwhile.
    * A position that `c:handle_position/2` did not store is not confirmed, whatever
      `:on_failure` says, and the stream starts again. **Its `{:ok, state}` is a promise**:
      a position that is not stored after all is missing at the next start, which ends with
      `:gap`.

  `c:checkpoint/1` that raises is called again after a pause that grows. An exception
  keeps the state that the callback was given. With `on_exception: :crash` it ends the
  process instead, and the supervisor decides. `c:init/1` is a part of the start: what it
  raises fails `start_link/3`.

  So the process ends only when it is told to. It needs no supervisor of its own, and does
  no harm to the one that has it; watch `PgEtf.info/1`, the log or `PgEtf.Telemetry` for a
  stream that does not go on. A halt lives as long as the process: after a restart, or on
  another node of a cluster, the same message is tried again.

  ## The slot

  `create_slot: true`, as above, makes the slot when there is none: changes made before
  are not in it, which the log says. One that was read and is gone has taken along what
  was not read yet, and a new one would hide that. So a node that has read it does not
  make it anew, whatever is started again: the consumer halts with `:slot_missing` until
  `PgEtf.resume/2` is told to. Across nodes only a stored position remembers: give a
  consumer with `c:checkpoint/1` and `c:handle_position/2` the option `create_slot: :once`.
  It makes the slot while `c:checkpoint/1` returns `nil`, and has `c:handle_position/2`
  store where it begins before anything is handled.

  ## Delivery guarantee

  At least once, in commit order, unless the position is stored with the data, in the
  same transaction of the sink, and compared with what was read before: then once.
  `PgEtf.Position` does that: `c:handle_transaction/2` moves it, and `c:checkpoint/1`
  reads it. `c:handle_position/2` stores positions that no transaction belongs to;
  without it the slot stays at the last acknowledged transaction while the server goes
  on elsewhere.

  ## Metadata

  All there is to know is in `PgEtf.Transaction` and `PgEtf.Change`.

  ## Telemetry

  See `PgEtf.Telemetry` for the events, and `PgEtf.info/1` for the state of a consumer,
  which it tells also while a callback runs.

  ## Testing

  Call the callbacks with what `PgEtf.Test` builds.
  """

  use GenServer

  alias PgEtf.Consumer.{Calls, Setup}
  alias PgEtf.{Change, Error, Failure, Lsn, Options, Producer, Session, Transaction}

  # Microseconds; the mailbox costs one, and a transaction of one row not much more.
  @turn 1_000

  @typedoc false
  @type t :: %__MODULE__{}
  @type state :: term
  @type result :: {:ok, state} | {:error, reason :: term, state}

  @doc "Called once, before anything is read. Without it the argument is the state."
  @callback init(arg :: term) :: {:ok, state}

  @doc """
  Handles a transaction, or a part of a large one. After `{:ok, state}` it is
  acknowledged.
  """
  @callback handle_transaction(Transaction.t(), state) :: result

  @doc """
  Handles changes, in commit order and never more than `max_changes`. After
  `{:ok, state}` all of them are acknowledged.
  """
  @callback handle_changes([Change.t(), ...], state) :: result

  @doc """
  Where to go on: the position stored with the data, or `nil` when there is none; with
  a new state, where what was read is to be remembered. Called before each start of the
  stream, and when a slot is free that was read elsewhere meanwhile.
  """
  @callback checkpoint(state) :: Lsn.t() | nil | {Lsn.t() | nil, state}

  @doc """
  Stores a position that no transaction belongs to: the server went on, and
  nothing of it was to be read.
  """
  @callback handle_position(Lsn.t(), state) :: result

  @doc """
  Called at the end. The reason is `:shutdown` when the consumer was stopped, and
  with `on_error: :stop` a `PgEtf.Error` when the stream cannot go on. A halt is no end.
  """
  @callback handle_stop(:shutdown | Error.t() | term, state) :: term

  @optional_callbacks init: 1,
                      handle_transaction: 2,
                      handle_changes: 2,
                      checkpoint: 1,
                      handle_position: 2,
                      handle_stop: 2

  # working?  a message to go on is in the mailbox
  # timer     of a batch that is not full; :over when it is waited for no longer
  @derive {Inspect, only: [:module, :session, :unit]}
  defstruct [
    :module,
    :state,
    :session,
    :unit,
    :batch,
    :batch_timeout,
    :on_failure,
    :timer,
    working?: false
  ]

  @doc """
  Starts a consumer.

  `module` has the callbacks, `arg` is given to its `init/1`. The options are those
  of `PgEtf.Producer` but for `:unit`, `:store_position` and `:max_in_flight`, which the
  callbacks decide, and:

    * `:name` - registers the process.
    * `:max_changes` - (`100`) how many changes `c:handle_changes/2` gets at most. For a
      sink that takes thousands at once; as many are read ahead.
    * `:batch_timeout` - (`0`) milliseconds to wait for so many, from the first of them.
      With 0 `c:handle_changes/2` gets what is there.

  Options and callbacks that contradict each other raise `ArgumentError`.
  """
  @spec start_link(module, term, keyword) :: GenServer.on_start()
  def start_link(module, arg, opts) do
    {server_opts, opts} = Keyword.split(opts, [:name])
    opts = Keyword.put(opts, :name, server_opts[:name] || module)
    {opts, own} = Setup.validate!(module, opts)
    GenServer.start_link(__MODULE__, {module, arg, opts, own}, server_opts)
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

  @impl GenServer
  def init({module, arg, opts, own}) do
    Process.flag(:trap_exit, true)
    {:ok, state} = if exports?(module, :init, 1), do: module.init(arg), else: {:ok, arg}

    consumer = %__MODULE__{
      module: module,
      state: state,
      session: Session.new(opts),
      unit: opts[:unit],
      batch: own[:max_changes],
      batch_timeout: own[:batch_timeout],
      on_failure: opts[:on_failure]
    }

    Session.Health.tell(consumer.session)
    {:ok, consumer, {:continue, :connect}}
  end

  @impl GenServer
  def handle_continue(:connect, consumer), do: start(consumer, &Session.connect/1)

  def handle_continue(:work, consumer), do: work(consumer, now() + @turn)

  @impl GenServer
  def handle_info({__MODULE__, :work}, consumer), do: {:noreply, consumer, {:continue, :work}}

  # Of an earlier batch it makes the next one smaller, and no harm.
  def handle_info({__MODULE__, :batch}, consumer) do
    {:noreply, %{consumer | timer: :over}, {:continue, :work}}
  end

  # The stream starts again: the data may be somewhere else by now.
  def handle_info({Session, incarnation, :connect}, consumer)
      when incarnation == consumer.session.incarnation do
    start(consumer, &Session.connect/1)
  end

  # So it may be when the slot is free that was stood by for.
  def handle_info({Session, incarnation, {:free, seen}}, consumer)
      when incarnation == consumer.session.incarnation do
    start(consumer, &Session.go(&1, seen))
  end

  def handle_info(message, consumer) do
    case Session.handle_info(consumer.session, message) do
      :unknown -> {:noreply, consumer}
      result -> continue(result, consumer)
    end
  end

  @impl GenServer
  def handle_call({PgEtf, {:resume, opts}}, from, consumer) do
    GenServer.reply(from, :ok)

    if consumer.session.status == :halted do
      start(consumer, &Session.resume(&1, opts))
    else
      {:noreply, consumer}
    end
  end

  @impl GenServer
  def terminate(reason, consumer) do
    Session.close(consumer.session)

    if exports?(consumer.module, :handle_stop, 2) do
      consumer.module.handle_stop(reason(reason), consumer.state)
    end
  end

  # OTP 25 and newer ask for the one with a map, which also hides the last message;
  # Elixir has known it later.
  if {:format_status, 1} in GenServer.behaviour_info(:callbacks), do: @impl(GenServer)
  @doc false
  def format_status(status), do: Session.Summary.status(status, &summary/1)

  @impl GenServer
  def format_status(:normal, [_dictionary, state]), do: [data: [{~c"State", summary(state)}]]
  def format_status(:terminate, [_dictionary, state]), do: summary(state)

  defp summary(%__MODULE__{module: module, session: session}) do
    session |> Session.Summary.of() |> Map.put(:module, module)
  end

  defp reason({%Error{} = error, _stacktrace}), do: error
  defp reason(:normal), do: :shutdown
  defp reason({:shutdown, _}), do: :shutdown
  defp reason(other), do: other

  defp continue({:ok, session}, %{working?: true} = consumer) do
    {:noreply, %{consumer | session: session}}
  end

  defp continue({:ok, session}, consumer) do
    {:noreply, %{consumer | session: session}, {:continue, :work}}
  end

  defp continue({:stop, error, session}, consumer) do
    {:stop, {error, []}, %{consumer | session: session}}
  end

  defp start(%__MODULE__{session: session} = consumer, connect) do
    case Calls.checkpoint(consumer) do
      :none ->
        session |> connect.() |> continue(consumer)

      {:ok, lsn, state} ->
        session |> Session.start_at(lsn) |> connect.() |> continue(%{consumer | state: state})

      {:error, error} ->
        session |> Session.fail(error) |> continue(consumer)
    end
  end

  ## Handling

  # A turn handles batches for a while, then looks at the mailbox: the program's
  # words and a request to stop are not kept waiting by a long queue. How it is doing
  # is told before the first batch, which may take long, and after the last.
  defp work(consumer, until, told? \\ false) do
    if wait?(consumer), do: wait(consumer), else: work_on(consumer, until, told?)
  end

  defp work_on(consumer, until, told?) do
    case Session.take_in_order(consumer.session, consumer.batch) do
      {[], session} ->
        Session.Health.tell(session)
        {:noreply, %{consumer | session: session, working?: false}}

      {items, session} ->
        unless told?, do: Session.Health.tell(session)
        consumer = handle(items, %{consumer | session: session, working?: true, timer: nil})
        if now() < until, do: work(consumer, until, true), else: yield(consumer)
    end
  end

  # A batch is waited for while something of it is there. What failed waits on its own.
  defp wait?(%__MODULE__{timer: :over}), do: false
  defp wait?(%__MODULE__{batch_timeout: 0}), do: false
  defp wait?(consumer), do: Session.filling?(consumer.session, consumer.batch)

  defp wait(%__MODULE__{timer: nil} = consumer) do
    timer = Process.send_after(self(), {__MODULE__, :batch}, consumer.batch_timeout)
    wait(%{consumer | timer: timer})
  end

  defp wait(consumer) do
    Session.Health.tell(consumer.session)
    {:noreply, %{consumer | working?: false}}
  end

  defp yield(consumer) do
    send(self(), {__MODULE__, :work})
    {:noreply, consumer}
  end

  defp handle(items, %__MODULE__{session: session} = consumer) do
    {data, seqs} = Enum.unzip(items)

    case Calls.handle(data, consumer) do
      {:ok, state} ->
        session = Session.ack(session, session.incarnation, seqs, [])
        %{consumer | state: state, session: session}

      {:error, status, state} ->
        failed(items, status, %{consumer | state: state})
    end
  end

  defp failed(items, status, %__MODULE__{session: session} = consumer) do
    failures = for item <- items, do: failure(item, status, consumer)
    %{consumer | session: Session.ack(session, session.incarnation, [], failures)}
  end

  # A position that is not stored must not be confirmed.
  defp failure({{:position, lsn}, seq}, status, %{on_failure: action}) do
    action = if action == :halt, do: :halt, else: :retry
    Failure.new(seq, action, %{commit_lsn: lsn}, status)
  end

  defp failure({data, seq}, status, %{on_failure: action}) do
    Failure.new(seq, action, Producer.Message.metadata(data), status)
  end

  defp exports?(module, name, arity), do: function_exported?(module, name, arity)
  defp now, do: System.monotonic_time(:microsecond)
end
