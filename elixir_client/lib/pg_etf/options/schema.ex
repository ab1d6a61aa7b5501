defmodule PgEtf.Options.Schema do
  @moduledoc false
  # The options as data: type, default and documentation of each. `doc: false` is for
  # those that the library and its tests set. What of the database is read is in
  # PgEtf.Options.Contents.

  alias PgEtf.Options.Contents

  @source [
    connection: [
      type: :connection,
      required: true,
      doc:
        "where the database is. `MyApp.Repo`, whose configuration is read whenever the C " <>
          "program starts. Or a keyword list (or map) as for Postgrex and Ecto, with `:hostname`, `:port`, `:username`, " <>
          "`:password`, `:database`, `:socket_dir`, `:url`, `:parameters`, `:ssl` (a " <>
          "boolean, or `:cacertfile`, `:certfile`, `:keyfile`, `:verify`, " <>
          "`:server_name_indication`, `:versions`), and any libpq keyword (`:sslmode`, " <>
          "`:connect_timeout`, ...); options for pools and queries are ignored. Or a URL " <>
          "(`postgresql://`, `ecto://`) or libpq's `host=db dbname=shop`. Or a function " <>
          "without arguments that returns one of these: it is called whenever the C program " <>
          "starts, so that a password or host may change. The program is restarted when the " <>
          "server rejects the password (six times, with growing delays), or cannot be " <>
          "reached three times in a row. Anything not given comes from libpq's own sources " <>
          "(`PG*` variables, service and password files). Or `{:node, name}`: the C program " <>
          "runs somewhere else, as an Erlang node, and connects to this one, where the stream " <>
          "is registered under the name: `pg_etf_client --to=name@node --slot=...`, see " <>
          "`docs/node.md`. Database, slot and cookie are on its command line."
    ],
    slot: [
      type: :string,
      required: true,
      doc: "the name of the replication slot; from Erlang also a charlist or an atom."
    ],
    create_slot: [
      type: {:in, [false, true, :once, :temporary]},
      default: false,
      doc:
        "whether to create the slot if it does not exist. A slot that nobody reads keeps " <>
          "the server from removing WAL, so this is off by default. `:once` creates it only " <>
          "while no position is stored, and stores where it starts before anything else: " <>
          "from then on a missing slot is an error and is never recreated, since that would " <>
          "skip changes; this needs a stored position. `true` can only remember the slots " <>
          "that this node has read since it was started. `:temporary` creates one that is " <>
          "dropped with the connection."
    ],
    standby: [
      type: :boolean,
      default: true,
      doc:
        "whether to wait indefinitely for a slot that another process reads; see the " <>
          "guide \"In a cluster\". Without it, and with a temporary slot, that is a " <>
          "transient failure, retried with backoff."
    ],
    takeover_timeout: [
      type: :non_neg_integer,
      default: 10_000,
      doc:
        "milliseconds after which the server gives up a reader that has vanished with its " <>
          "machine or network, so that another one can take over the slot: " <>
          "`wal_sender_timeout` of this stream, unless the server's own is shorter. The C " <>
          "program answers within a third of it, whatever the handlers do. At least 1000; 0 " <>
          "uses the server's own, by default a minute."
    ],
    failover: [
      type: :boolean,
      default: false,
      doc:
        "create a failover slot, which is synchronized to standbys (PostgreSQL 17 or " <>
          "later)."
    ],
    plugin: [
      type: {:in, [:auto, :pg_etf_decoding, :pgoutput]},
      default: :auto,
      doc:
        "the output plugin of the slot. With `:auto` an existing slot decides; a new one is " <>
          "created with `pg_etf_decoding`, or where the server does not let us, with " <>
          "`pgoutput` if `:publications` are given. `pgoutput` is on every server, also where " <>
          "nothing can be installed; see \"Without the plugin\" in `docs/operations.md` for " <>
          "what it costs and cannot give."
    ],
    publications: [
      type: {:list, :string},
      default: [],
      doc:
        "the publications whose tables, columns and rows are read, `[\"orders\", \"Odd Name\"]`. " <>
          "`pgoutput` needs them; `pg_etf_decoding` reads every table without them. An update " <>
          "that crosses a row filter is an insert or a delete. See \"Publications\" in " <>
          "`docs/operations.md` for what they do to the application's updates."
    ],
    create_publication: [
      type: :boolean,
      default: false,
      doc:
        "with a new slot, create the first of `:publications` for `:tables`. " <>
          "Updates and deletes of a published table fail without a replica identity, so tables " <>
          "without one go into a second publication, `<name>_inserts`."
    ],
    format: [
      type: {:in, [:auto, :binary, :text]},
      default: :auto,
      doc:
        "how `pgoutput` sends values. `:auto` is binary, and text where a type has no binary " <>
          "form that is known."
    ],
    snapshot: [
      type: {:or, [{:in, [:never, :initial]}, {:list, :any}]},
      default: :never,
      doc:
        "the tables to read before the stream: each row arrives as a `:read`, then the changes. " <>
          "`:initial` reads all tables of the stream, a list of patterns those of them that " <>
          "match. A keyword list has `:tables` and the options of `PgEtf.backfill/3`, where " <>
          "`:mode` is `:exact` by default. What is read once is not read again, whatever is " <>
          "restarted. The role needs SELECT, and with `pg_etf_decoding` the extension has to be in " <>
          "the database; with `pgoutput` only `:backfill_store` has to be there, or the extension, " <>
          "and with a temporary slot neither. See `docs/snapshots.md`."
    ],
    backfill_store: [
      type: {:or, [{:in, [:server]}, {:pair, {:fun, 0}, {:fun, 2}}]},
      default: :server,
      doc:
        "where it is kept which backfills were asked for, and what they and snapshots have " <>
          "read: in a table of the extension, or by two functions `{load, save}`. `save` receives an id and a binary to store " <>
          "under it, or `nil` to delete it; `load` returns what is stored, as a map. For roles " <>
          "that may not write, for standbys, and for databases without the extension."
    ]
  ]

  @reading [
    streaming: [
      type: :boolean,
      default: false,
      doc:
        "whether to receive large transactions before they end (PostgreSQL 14 or later): the " <>
          "server sends what exceeds its `logical_decoding_work_mem` at once, instead of " <>
          "writing it to its disk, and the C program keeps it in files until the commit. What " <>
          "arrives here, and when it is acknowledged, is the same, except that the server can " <>
          "lose a logical message right before a savepoint that is rolled back. See " <>
          "\"Transactions in progress\" in `docs/operations.md` for when it pays."
    ],
    spool_dir: [
      type: {:or, [nil, :string]},
      default: nil,
      doc:
        "with `:streaming`, the directory of these files, which contain rows as they are. " <>
          "The default is `TMPDIR`, or `/var/tmp`."
    ],
    spool_bytes: [
      type: :pos_integer,
      default: 8_589_934_592,
      doc:
        "with `:streaming`, how much all of them may take. Beyond that, or if a file cannot " <>
          "be written, a warning is logged and the stream continues without `:streaming`."
    ],
    start_position: [
      type: {:or, [nil, :lsn, {:fun, 0}]},
      default: nil,
      doc:
        "the position stored with the data, from which to continue: a number, or a " <>
          "function that returns one or `nil`, called at each start of a stream. Without it " <>
          "the stream starts at the slot's own position."
    ],
    store_position: [
      type: {:or, [nil, {:fun, 1}]},
      default: nil,
      doc:
        "with `:start_position`, a function called with a position when the server has " <>
          "advanced without matching changes. Called in the producer, between messages. " <>
          "Without it the slot stays at the last acknowledged transaction while the server " <>
          "advances."
    ],
    unit: [
      type: {:in, [:change, :transaction]},
      default: :change,
      doc: "what a message contains: a `PgEtf.Change`, or a `PgEtf.Transaction`."
    ],
    max_transaction_changes: [
      type: :pos_integer,
      default: 1000,
      doc:
        "with `unit: :transaction`, a transaction with more changes is delivered in " <>
          "parts."
    ],
    keys: [
      type:
        {:or, [{:in, [:strings, :atoms!, :create_atoms]}, {:tagged, :atoms!, {:list, :atom}}]},
      default: :strings,
      doc:
        "column names in rows. `:atoms!` uses existing atoms; a table with a column whose " <>
          "name does not exist as an atom uses strings for all its columns, and the log " <>
          "says so. Atoms exist once a module that uses them is loaded, which in a release " <>
          "happens at the start and under `mix run` at the first call: `{:atoms!, [Order, " <>
          "Item]}` first loads these modules, such as Ecto schemas, and may list atoms as " <>
          "well. `:create_atoms` creates the missing ones, which are never freed. (`:atoms` is the earlier name of " <>
          "`:atoms!`, and means that.)"
    ],
    into: [
      type: :schemas,
      default: %{},
      doc:
        "tables whose rows are structs of Ecto schemas, `%{\"orders\" => MyApp.Order}` or " <>
          "`[MyApp.Order]`; see `PgEtf.Ecto`."
    ],
    split_key_changes: [
      type: :boolean,
      default: false,
      doc:
        "whether to deliver an update that changes the key of its row as a delete of the " <>
          "old row and an insert of the new one; see \"Concurrency and ordering\"."
    ],
    on_failure: [
      type: {:in, [:retry, :requeue, :halt, :ack]},
      default: :retry,
      doc: "what to do after a message has failed; see \"Acknowledgement and failures\"."
    ],
    max_attempts: [
      type: :pos_integer,
      default: 10,
      doc:
        "with `on_failure: :requeue`, how often to try a message. With delays between " <>
          "`:backoff_min` and `:backoff_max`, 10 attempts take about two minutes."
    ],
    after_attempts: [
      type: {:or, [{:in, [:halt, :ack]}, {:fun, 2}]},
      default: :halt,
      doc:
        "what to do with a message after the last attempt: `:halt`, `:ack`, or a function " <>
          "that sets it aside, as a dead letter. The function receives the change or " <>
          "transaction and the reason, runs in the process of the stream, and acknowledges " <>
          "the message by returning `:ok` or `{:ok, _}`; after any other result the message " <>
          "is retried."
    ],
    on_error: [
      type: {:in, [:halt, :stop]},
      default: :halt,
      doc:
        "what to do after a permanent error, such as a missing slot; see " <>
          "\"Acknowledgement and failures\"."
    ],
    retry_after: [
      type: :pos_integer,
      default: 300_000,
      doc: "with `on_error: :halt`, milliseconds until the next attempt."
    ],
    on_exception: [
      type: {:in, [:retry, :crash]},
      default: :retry,
      doc:
        "what to do after an exception in one of your functions: treat it like any failed " <>
          "attempt, or let the process crash."
    ],
    prefetch: [
      type: :pos_integer,
      default: 250,
      doc:
        "how many changes to read ahead of demand, limited to 128 KB. Larger values are " <>
          "slower: the garbage collector copies everything that is waiting."
    ],
    max_in_flight: [
      type: :pos_integer,
      default: 10_000,
      doc:
        "maximum distance between the newest delivered and the oldest unacknowledged " <>
          "message. At least what all batchers together wait for."
    ],
    window_bytes: [
      type: :pos_integer,
      default: 16_777_216,
      doc:
        "bytes of changes that may be read but not yet acknowledged. A single larger row " <>
          "is still delivered, alone."
    ],
    stall_after: [
      type: :pos_integer,
      default: 60_000,
      doc:
        "milliseconds after which a stream that has work but makes no progress, or a " <>
          "message that is not acknowledged, is reported: by an error in the log, at most " <>
          "once a minute, and by telemetry. See `PgEtf.Progress`."
    ],
    backoff_min: [
      type: :pos_integer,
      default: 500,
      doc: "initial delay before a retry, in milliseconds."
    ],
    backoff_max: [
      type: :pos_integer,
      default: 30_000,
      doc: "maximum delay; delays grow exponentially between the two, with jitter."
    ],
    stats_interval: [
      type: :pos_integer,
      default: 15_000,
      doc:
        "milliseconds between statistics from the C program; if none arrive in this time " <>
          "the program is restarted. Its earlier name is `:heartbeat`."
    ],
    status_interval: [
      type: :pos_integer,
      default: 10_000,
      doc: "maximum milliseconds between status updates to the server."
    ],
    liveness_timeout: [
      type: :pos_integer,
      default: 60_000,
      doc:
        "milliseconds of silence after which the connection is considered dead, for " <>
          "example behind a firewall that drops packets; at least 1000."
    ],
    max_stall: [
      type: :non_neg_integer,
      default: 60_000,
      doc:
        "after this many milliseconds without demand, disconnect until there is demand " <>
          "again; 0 disables."
    ],
    testing: [
      type: {:in, [:disabled, :manual]},
      default: :disabled,
      doc:
        "`:manual` connects to no server: the process is there, and a test gives it changes, " <>
          "see `PgEtf.Testing`. `config :pg_etf, testing: :manual` makes it the default."
    ],
    shutdown_timeout: [
      type: :pos_integer,
      default: 5_000,
      doc: "milliseconds to confirm the last position when stopping."
    ],
    client_path: [
      type: {:or, [nil, :string]},
      default: nil,
      doc:
        "path of the C program `pg_etf_client`. The default is the environment variable " <>
          "`PG_ETF_CLIENT`, then this application's `priv`, then `PATH`."
    ],
    # Bytes that are read ahead of demand at most, besides the number of changes: of
    # large rows many are alive at once otherwise, and the collector copies them. Rows of
    # 100 columns cost a third less with this.
    ahead_bytes: [type: :pos_integer, default: 131_072, doc: false],
    # Of a consumer, whose callbacks it needs.
    two_phase: [type: :boolean, default: false, doc: false],
    client: [type: :any, default: PgEtf.Client.Port, doc: false],
    # Of PgEtf.Fanout: rows are finished where they are handled.
    deferred: [type: {:in, [false, true, :shared]}, default: false, doc: false],
    broadway: [type: :any, default: nil, doc: false],
    broadway_module: [type: :any, default: nil, doc: false],
    name: [type: :any, default: nil, doc: false]
  ]

  @doc "All options, in the order in which they are documented."
  @spec all() :: keyword(keyword)
  def all, do: @source ++ Contents.all() ++ @reading
end
