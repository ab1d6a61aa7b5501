defmodule PgEtf.Fanout do
  @moduledoc """
  Changes of one slot, handled on several nodes.

  Where one node is not enough to handle what a slot has, every node runs the same child:

      children = [
        {PgEtf.Fanout,
         {Shop.Search, :no_state, name: :search, connection: connection, slot: "search"}}
      ]

  One of them reads the slot, the others [stand by](in-a-cluster.md), and all of them handle
  changes. Nothing else has to run: nodes find each other by OTP's `:pg`, as soon as they are
  connected, by libcluster for instance.

  `module`, here `Shop.Search`, is one for `PgEtf.Consumer` with `c:PgEtf.Consumer.handle_changes/2`:

      defmodule Shop.Search do
        @behaviour PgEtf.Consumer

        @impl true
        def handle_changes(changes, state) do
          :ok = Shop.Index.put(changes)
          {:ok, state}
        end
      end

  Each node has `:workers` processes that call it, each with a state of its own from
  `c:PgEtf.Consumer.init/1`. `{:ok, state}` acknowledges the changes. The callbacks for
  positions, `c:PgEtf.Consumer.handle_info/2` and `{:noack, state}` are for one process that reads
  and handles, not for this.

  ## Options

  Those of `PgEtf.Producer` for `unit: :change`, and:

    * `:name` - (required) an atom, the same on all nodes. It is the name of the process that
      reads: `PgEtf.info/1`, `PgEtf.resume/2` and the others take it.
    * `:workers` - (the number of schedulers) processes that handle changes on this node. A
      node with 0 only reads.
    * `:batch_size` - (`100`) maximum number of changes for one call of the callback.
    * `:worker_window` - (`500`) changes that a worker may have been sent and not handled.
    * `:partition_by` - (`&PgEtf.partition_by/1`) a function that returns a number for a
      change. Changes with the same number stay in order.
    * `:reader` - (`true`) whether this node may read the slot. With `false` it only handles
      changes, and needs neither `:connection` nor `:slot`.

  What concerns the stream, such as `:on_failure` and `:partition_by`, is decided by the node
  that reads. Give all nodes the same options.

  ## Order

  Keys are hashed to partitions, and partitions to workers of all nodes (rendezvous hashing).
  A worker handles the changes of a key one after the other; between keys there is no order.
  When a node joins, partitions move to it, each once everything that was sent of it has been
  handled. When a node or a worker is gone, what it had not acknowledged goes to others, before
  anything newer of the same keys.

  A node that was cut off without noticing may still handle a change that has been given to
  another one. A sink for which that matters compares places, see
  [In a cluster](in-a-cluster.md). How soon the loss of a node is noticed is `net_ticktime` of
  the kernel application, a minute by default.

  ## Delivery guarantee

  At least once. A position is confirmed to the server when all changes before it have been
  handled, on whichever node. What is delivered again:

    * when a worker or its node is gone: what it had not acknowledged, at most
      `:worker_window` changes of each worker;
    * when the node that reads is gone, the callback fails (with `on_failure: :retry`), or the
      stream starts again for another reason: what was not confirmed. Before anything is sent,
      every worker finishes the call that it is in, and drops the rest.

  A reader that is stopped waits for what is being handled, at most `:shutdown_timeout`.

  ## Back-pressure

  A worker is sent no more than its window. A slow one does not hold up the others, until the
  distance between its oldest change and their newest is `:max_in_flight`, or until
  `:window_bytes` are read and not acknowledged; then the server waits. If the connection to a
  node is full (`+zdbbl` of `erl`, 1 MB by default), it is sent more later.

  Rows cross the network as they came from the server, and are decoded where they are handled;
  the reader decodes their keys. So a row of nine columns costs the reader one to two
  microseconds more than it costs a `PgEtf.Consumer`, and the node that handles it about two.
  A worker that is busy is sent some hundred changes at a time, as far as its window allows
  that. It acknowledges after a call, at most once in five milliseconds, and at the end of
  what it was sent together.
  With the options `:into` and `:split_key_changes`, and while tables are read by a backfill,
  the reader decodes all of them; with a `:partition_by` of your own it does so to call it.

  Nodes with different versions of this library work together, as in a rolling deploy: a
  worker says what it understands, and is sent nothing newer.

  ## Testing

  With `testing: :manual` nothing is read, and workers wait. Call the callback with what
  `PgEtf.Testing` builds.
  """

  use Supervisor

  alias PgEtf.{Options, Producer}
  alias PgEtf.Fanout.{Reader, Worker}

  # What only a PgEtf.Consumer calls.
  @uncalled [:handle_info, :handle_transaction, :handle_prepare] ++
              [:handle_commit_prepared, :handle_rollback_prepared]
  @own [:workers, :batch_size, :worker_window, :partition_by, :reader]

  @doc "A child specification: `{PgEtf.Fanout, {module, arg, options}}`."
  @spec child_spec({module, term, keyword}) :: Supervisor.child_spec()
  def child_spec({module, arg, opts}) do
    %{
      id: opts[:name] || module,
      type: :supervisor,
      start: {__MODULE__, :start_link, [module, arg, Options.conceal(opts)]}
    }
  end

  @doc "Starts what this node does: a reader, unless `reader: false`, and workers."
  @spec start_link(module, term, keyword) :: Supervisor.on_start()
  def start_link(module, arg, opts) do
    {own, opts} = Keyword.split(opts, @own)
    name = opts[:name]
    unless is_atom(name) and name != nil, do: refuse("option :name is required: an atom")
    own = own!(own, name)
    module!(module)
    opts = if own.reader, do: reader!(opts), else: worker!(opts)
    Supervisor.start_link(__MODULE__, {module, arg, opts, own})
  end

  defp own!(own, name) do
    defaults = %{
      workers: System.schedulers_online(),
      batch_size: 100,
      worker_window: 500,
      partition_by: &PgEtf.partition_by/1,
      reader: true
    }

    own = Enum.into(own, defaults)

    for {key, least} <- [workers: 0, batch_size: 1, worker_window: 1],
        not (is_integer(own[key]) and own[key] >= least),
        do: refuse("expected #{inspect(key)} to be an integer, at least #{least}")

    unless is_function(own.partition_by, 1), do: refuse("expected :partition_by to be a function")
    unless is_boolean(own.reader), do: refuse("expected :reader to be a boolean")
    Map.merge(own, %{scope: :"#{name}.PgEtf.Fanout", window: own.worker_window})
  end

  defp module!(module) do
    unless Code.ensure_loaded?(module), do: refuse("module #{inspect(module)} is not available")

    unless function_exported?(module, :handle_changes, 2) do
      refuse("#{inspect(module)} has no handle_changes/2")
    end

    for {name, arity} <- [checkpoint: 1, handle_position: 2],
        function_exported?(module, name, arity) do
      refuse(
        "#{inspect(module)} has #{name}/#{arity}: where the slot is read is not where it is called"
      )
    end

    for name <- @uncalled, function_exported?(module, name, 2) do
      refuse("#{inspect(module)} has #{name}/2, which is for PgEtf.Consumer: it is not called")
    end
  end

  defp reader!(opts) do
    opts = Producer.Setup.validate!(opts)
    if opts[:unit] != :change, do: refuse("unit: :transaction is not for PgEtf.Fanout")
    opts
  end

  # What is not needed without a reader may be missing, but not be wrong.
  defp worker!(opts) do
    reader!(Keyword.merge([connection: [], slot: "none"], opts))
    opts
  end

  defp refuse(message), do: raise(ArgumentError, message)

  @impl Supervisor
  def init({module, arg, opts, own}) do
    # Workers that die must not take the reader along.
    workers =
      for index <- 0..(own.workers - 1)//1 do
        Supervisor.child_spec({Worker, {module, arg, opts, own, index}}, id: {Worker, index})
      end

    pg = %{id: :pg, start: {:pg, :start_link, [own.scope]}}
    of_workers = [workers, [strategy: :one_for_one]]
    all = %{id: :workers, type: :supervisor, start: {Supervisor, :start_link, of_workers}}
    timeout = 2 * Keyword.get(opts, :shutdown_timeout, 5_000)

    reader =
      if own.reader,
        do: [Supervisor.child_spec({Reader, {opts, own}}, shutdown: timeout)],
        else: []

    Supervisor.init([pg, all | reader], strategy: :rest_for_one)
  end

  @doc """
  The nodes that handle changes: how many `workers` and `partitions` each of them has, and how
  many changes are sent to it (`in_flight`) or going to be (`waiting`). Empty where the slot is
  not read at the moment.
  """
  @spec nodes(GenServer.server()) :: %{optional(node) => map}
  def nodes(server), do: GenServer.call(server, {Reader, :nodes})
end
