defmodule PgEtf.Options do
  @moduledoc false
  # Options as data: one table is what validation, defaults and the generated
  # documentation are made from.

  alias PgEtf.Connection
  alias PgEtf.Options.{Plugin, Type}

  @patterns "each a `schema.table` pattern, in which `*` stands for any characters " <>
              "and a backslash takes the special meaning from the next one"

  @schema [
    connection: [
      type: :connection,
      required: true,
      doc:
        "where the database is: a keyword list (or map) as Postgrex and Ecto take it, " <>
          "`MyApp.Repo.config()` among them, with `:hostname`, `:port`, `:username`, " <>
          "`:password`, `:database`, `:socket_dir`, `:url`, `:parameters`, `:ssl` (a boolean, " <>
          "or `:cacertfile`, `:certfile`, `:keyfile`, `:verify`, `:server_name_indication`, " <>
          "`:versions`), and any keyword of libpq (`:sslmode`, `:connect_timeout`, ...); what " <>
          "it says of pools and queries is left out. Or a URL (`postgresql://`, `ecto://`) or " <>
          "libpq's `host=db dbname=shop`. Or a function of no arguments that returns one of " <>
          "these: it is called whenever the C program starts, which it does anew when the " <>
          "server refuses the password (six times, with growing pauses), or cannot be " <>
          "reached three times in a row; so a password or a host may change. What is not " <>
          "given comes from libpq's own sources (`PG*` variables, service and password " <>
          "files)."
    ],
    slot: [
      type: :string,
      required: true,
      doc: "the name of the replication slot; from Erlang a charlist or an atom, too."
    ],
    create_slot: [
      type: {:in, [false, true, :once, :temporary]},
      default: false,
      doc:
        "whether to create the slot when there is none. A slot that nobody reads keeps " <>
          "the server from removing log, so this is off by default. `:once` creates it as " <>
          "long as no position is stored, and stores where it begins before anything else: " <>
          "from then on a slot that is gone is an error and never made anew, which would " <>
          "leave out changes; it needs a stored position. `true` can only remember the " <>
          "slots that this node has read since it was started. `:temporary` makes one that " <>
          "ends with the connection."
    ],
    standby: [
      type: :boolean,
      default: true,
      doc:
        "whether to wait for a slot that another process reads, as long as it takes; " <>
          "see the guide \"In a cluster\". Without it, and with a temporary slot, that is " <>
          "a failure that is tried again with pauses."
    ],
    takeover_timeout: [
      type: :non_neg_integer,
      default: 10_000,
      doc:
        "milliseconds after which the server gives up a reader that has vanished with its " <>
          "machine or network, so that another may have the slot: `wal_sender_timeout` of " <>
          "this stream, unless the server's own is shorter. The C program answers in a " <>
          "third of it, whatever the handlers do. At least 1000; 0 leaves it to the server, " <>
          "where it is a minute unless changed."
    ],
    failover: [
      type: :boolean,
      default: false,
      doc: "create a slot that is synchronized to standbys (PostgreSQL 17)."
    ],
    tables: [
      type: {:list, :string},
      default: [],
      doc: "the tables to read, #{@patterns}. None means all."
    ],
    exclude_tables: [
      type: {:list, :string},
      default: [],
      doc: "tables to leave out, written like `:tables`."
    ],
    actions: [
      type: {:list, {:in, [:insert, :update, :delete, :truncate]}},
      default: [:insert, :update, :delete, :truncate],
      doc: "the kinds of changes to read."
    ],
    messages: [
      type: {:or, [:boolean, {:list, :string}]},
      default: false,
      doc: "logical messages: all of them, or those with one of the given prefixes."
    ],
    origin: [
      type: {:in, [:any, :none]},
      default: :any,
      doc: "`:none` leaves out what was itself replicated from elsewhere."
    ],
    plugin_options: [
      type: :map,
      default: %{},
      doc: "further options of the output plugin, a map of strings to strings."
    ],
    start_position: [
      type: {:or, [nil, :lsn, {:fun, 0}]},
      default: nil,
      doc:
        "the position stored with the data, where to go on: a number, or a function " <>
          "that returns one or `nil`, called at each start of a stream. Without it the " <>
          "slot's own position counts."
    ],
    store_position: [
      type: {:or, [nil, {:fun, 1}]},
      default: nil,
      doc:
        "with `:start_position`, a function that stores a position where nothing was " <>
          "to be read. Called in the producer, between messages. Without it the slot stays " <>
          "at the last acknowledged transaction while the server goes on elsewhere."
    ],
    unit: [
      type: {:in, [:change, :transaction]},
      default: :change,
      doc: "what a message holds: a `PgEtf.Change`, or a `PgEtf.Transaction`."
    ],
    max_transaction_changes: [
      type: :pos_integer,
      default: 1000,
      doc: "with `unit: :transaction`, a transaction with more changes comes in parts."
    ],
    keys: [
      type: {:or, [{:in, [:strings, :atoms, :create_atoms]}, {:tagged, :atoms, {:list, :atom}}]},
      default: :strings,
      doc:
        "column names in rows. `:atoms` takes atoms that exist already; a table with a " <>
          "column for whose name there is none keeps strings for all of them, and the log " <>
          "says so. Atoms exist once a module that uses them is loaded, which in a release " <>
          "happens at its start and under `mix run` at the first call: `{:atoms, [Order, " <>
          "Item]}` loads these modules first, such as Ecto schemas, and may name atoms as " <>
          "well. `:create_atoms` makes the missing ones, which are never freed."
    ],
    split_key_changes: [
      type: :boolean,
      default: false,
      doc:
        "whether an update that changes the key of its row comes as a delete of the old " <>
          "row and an insert of the new one; see \"Concurrency and ordering\"."
    ],
    on_failure: [
      type: {:in, [:retry, :requeue, :halt, :ack]},
      default: :retry,
      doc: "what a failed message does; see \"Acknowledgement and failures\"."
    ],
    max_attempts: [
      type: :pos_integer,
      default: 10,
      doc:
        "with `on_failure: :requeue`, how often a message is tried. With the pauses " <>
          "between `:backoff_min` and `:backoff_max`, 10 times are about two minutes."
    ],
    after_attempts: [
      type: {:or, [{:in, [:halt, :ack]}, {:fun, 2}]},
      default: :halt,
      doc:
        "what a message does that failed so often: `:halt`, `:ack`, or a function that " <>
          "puts it aside, a dead letter. It gets the change or transaction and the " <>
          "reason, runs in the process of the stream, and acknowledges the message by " <>
          "`:ok` or `{:ok, _}`; with anything else the message is tried again."
    ],
    on_error: [
      type: {:in, [:halt, :stop]},
      default: :halt,
      doc:
        "what an error does that does not pass by itself, such as a slot that is gone; " <>
          "see \"Acknowledgement and failures\"."
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
        "what an exception in a function of yours does: a failed attempt like any " <>
          "other, or the end of the process."
    ],
    prefetch: [
      type: :pos_integer,
      default: 250,
      doc:
        "how many changes are read ahead of demand, and no more than 128 KB of them. More " <>
          "makes it slower: what waits is what the collector of garbage copies."
    ],
    max_in_flight: [
      type: :pos_integer,
      default: 10_000,
      doc:
        "how far the newest message handed out may be ahead of the oldest one that is " <>
          "not acknowledged. At least what all batchers together wait for."
    ],
    window_bytes: [
      type: :pos_integer,
      default: 16_777_216,
      doc:
        "bytes of changes that may be read and not acknowledged. One row larger than " <>
          "that still passes, alone."
    ],
    stall_after: [
      type: :pos_integer,
      default: 60_000,
      doc:
        "milliseconds without progress after which a stream that has work is reported, " <>
          "as is a message that is not acknowledged: an error in the log, at most once a " <>
          "minute, and telemetry. See `PgEtf.Progress`."
    ],
    backoff_min: [
      type: :pos_integer,
      default: 500,
      doc: "the shortest pause before another attempt, in milliseconds."
    ],
    backoff_max: [
      type: :pos_integer,
      default: 30_000,
      doc: "the longest pause; pauses grow between the two, with a random part."
    ],
    heartbeat: [
      type: :pos_integer,
      default: 15_000,
      doc:
        "milliseconds between statistics from the C program; when none arrive in " <>
          "this time it is replaced."
    ],
    status_interval: [
      type: :pos_integer,
      default: 10_000,
      doc: "milliseconds between status updates to the server, at most."
    ],
    liveness_timeout: [
      type: :pos_integer,
      default: 60_000,
      doc:
        "milliseconds of silence after which the server counts as gone, as behind a " <>
          "network that swallows everything; at least 1000."
    ],
    max_stall: [
      type: :non_neg_integer,
      default: 60_000,
      doc:
        "milliseconds without demand after which the connection is given back to the " <>
          "server until there is demand again; 0 never."
    ],
    shutdown_timeout: [
      type: :pos_integer,
      default: 5_000,
      doc: "milliseconds for the last position to be confirmed at the end."
    ],
    client_path: [
      type: {:or, [nil, :string]},
      default: nil,
      doc:
        "the C program `pg_etf_client`. Looked for in the environment variable " <>
          "`PG_ETF_CLIENT`, in this application's `priv` and in `PATH` otherwise."
    ],
    # Bytes that are read ahead of demand at most, besides the number of changes: of
    # large rows many are alive at once otherwise, and the collector copies them. Rows of
    # 100 columns cost a third less with this.
    ahead_bytes: [type: :pos_integer, default: 131_072, doc: false],
    client: [type: :any, default: PgEtf.PortClient, doc: false],
    broadway: [type: :any, default: nil, doc: false],
    broadway_module: [type: :any, default: nil, doc: false],
    name: [type: :any, default: nil, doc: false]
  ]

  @doc "The options with defaults filled in; raises ArgumentError naming what is wrong."
  @spec validate!(keyword) :: keyword
  def validate!(opts) do
    unless Keyword.keyword?(opts) do
      raise ArgumentError, "expected a keyword list of options, got: #{inspect(opts)}"
    end

    Enum.each(opts, &known!/1)

    opts =
      Enum.map(@schema, fn {key, spec} -> {key, value!(key, spec, Keyword.fetch(opts, key))} end)

    if opts[:backoff_min] > opts[:backoff_max] do
      raise ArgumentError, "option :backoff_min is above :backoff_max"
    end

    for key <- [:tables, :exclude_tables], pattern <- opts[key], do: schema!(key, pattern)
    takeover_timeout!(opts[:takeover_timeout])
    conceal(opts)
  end

  # The plugin wants both, and would say so when the slot is made.
  defp schema!(key, pattern) do
    unless Regex.match?(~r/^(\\.|[^.\\])+\./su, pattern) do
      raise ArgumentError,
            "option #{inspect(key)}: #{inspect(pattern)} has no schema: did you mean " <>
              "#{inspect("public." <> pattern)}?"
    end
  end

  defp takeover_timeout!(ms) when ms == 0 or ms >= 1000, do: :ok

  defp takeover_timeout!(_ms) do
    raise ArgumentError, "option :takeover_timeout is below one second"
  end

  @doc """
  The options with the connection in a function: whoever prints them, a supervisor its
  child or a crash report its state, prints no password.
  """
  @spec conceal(keyword) :: keyword
  def conceal(opts), do: Keyword.replace_lazy(opts, :connection, &Connection.conceal/1)

  @doc "The documentation of all options, as a Markdown list."
  @spec docs() :: String.t()
  def docs do
    for {key, spec} <- @schema, spec[:doc] != false, into: "" do
      "  * `:#{key}` - #{requirement(spec)}#{spec[:doc]}\n\n"
    end
  end

  defp requirement(spec) do
    case Keyword.fetch(spec, :default) do
      {:ok, default} when default not in [nil, [], %{}] -> "(`#{inspect(default)}`) "
      {:ok, _} -> ""
      :error -> "(required) "
    end
  end

  defp known!({key, _value}) do
    unless Keyword.has_key?(@schema, key) do
      public = for {key, spec} <- @schema, spec[:doc] != false, do: inspect(key)

      raise ArgumentError,
            "unknown option #{inspect(key)}, the options are: #{Enum.join(public, ", ")}"
    end
  end

  defp value!(key, spec, :error) do
    if spec[:required], do: raise(ArgumentError, "required option #{inspect(key)} is missing")
    spec[:default]
  end

  # It may hold a password: its error shows no value.
  defp value!(:connection, _spec, {:ok, value}) do
    Connection.check!(value)
    value
  end

  defp value!(key, spec, {:ok, value}) do
    value = Type.cast(spec[:type], value)

    unless Type.valid?(spec[:type], value) do
      raise ArgumentError,
            "invalid value for option #{inspect(key)}: expected #{Type.describe(spec[:type])}, " <>
              "got: #{inspect(value)}"
    end

    value
  end

  ## What the C program is told

  @doc "The settings of the `start` command: see docs/port.md."
  @spec start_settings(keyword) :: map
  def start_settings(opts) do
    opts[:connection]
    |> Connection.settings!()
    |> Map.merge(%{
      slot: opts[:slot],
      create: create(opts[:create_slot]),
      failover: opts[:failover],
      standby: opts[:standby] and opts[:create_slot] != :temporary,
      takeover_timeout: opts[:takeover_timeout],
      options: Plugin.options(opts),
      credit_events: opts[:prefetch],
      credit_bytes: PgEtf.Inbox.first_bytes(opts),
      status_interval: opts[:status_interval],
      liveness_timeout: opts[:liveness_timeout],
      max_stall: opts[:max_stall],
      reconnect_min: opts[:backoff_min],
      reconnect_max: opts[:backoff_max],
      stop_timeout: opts[:shutdown_timeout]
    })
    |> put_start_position(opts[:start_position])
    |> Map.put(:ack_positions, opts[:start_position] != nil)
  end

  defp create(false), do: :none
  defp create(create) when create in [true, :once], do: :if_missing
  defp create(:temporary), do: :temporary

  defp put_start_position(settings, fun) when is_function(fun) do
    put_start_position(settings, fun.())
  end

  defp put_start_position(settings, nil), do: settings
  defp put_start_position(settings, lsn), do: Map.put(settings, :startpos, lsn)
end
