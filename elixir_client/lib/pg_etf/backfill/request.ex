defmodule PgEtf.Backfill.Request do
  @moduledoc false
  # What is asked for when tables are to be read: the options of PgEtf.backfill/3 and of
  # `snapshot`, as data, and the map that the program gets.

  alias PgEtf.Client.Connection
  alias PgEtf.Options.{Rules, Type}

  @condition {:or, [nil, :string, :map]}

  @options [
    mode: [
      type: {:in, [:exact, :incremental]},
      doc:
        "`:exact` reads at one position of the stream, which stands still meanwhile; it " <>
          "needs no keys. `:incremental` reads chunk by chunk while the stream goes on."
    ],
    where: [
      type: @condition,
      default: nil,
      doc:
        "a condition in SQL for the rows to read, or a map with one for each " <>
          "`\"schema.table\"`. Rows that no longer meet it are not deleted."
    ],
    jobs: [
      type: :pos_integer,
      default: 2,
      doc: "with `mode: :exact`, how many connections read, up to 16."
    ],
    max_hold: [
      type: :non_neg_integer,
      default: 1_800_000,
      doc:
        "with `mode: :exact`, for how many milliseconds a snapshot, and with it the stream, is " <>
          "held at most. What is left is read in the next round, once the stream has caught " <>
          "up. 0: without a limit."
    ],
    chunk_bytes: [
      type: :pos_integer,
      # What waits to be closed is copied by the garbage collector: rows of a chunk of 1 MB
      # cost twice as much.
      default: 262_144,
      doc: "with `mode: :incremental`, the size of a chunk; it is less while the stream is busy."
    ],
    unsafe_backfill: [
      type: {:in, [true, nil]},
      default: nil,
      doc:
        "`true`: with `mode: :incremental`, read even where the plugin's option `visible` is " <>
          "off: what is read may then be older than what was delivered."
    ],
    connection: [
      type: {:or, [nil, :any]},
      default: nil,
      doc:
        "where the reading connections lead, written like the stream's option, on top of it: " <>
          "`[hostname: \"replica\"]` reads from a standby."
    ]
  ]

  @table ~r/^(\\.|[^.\\])+\./su

  @doc "The options as a Markdown list."
  @spec docs() :: String.t()
  def docs do
    for {key, spec} <- @options, into: "" do
      default = if spec[:default], do: "(`#{spec[:default]}`) ", else: ""
      "  * `:#{key}` - #{default}#{spec[:doc]}\n"
    end
  end

  @doc "A request for tables, with defaults filled in; raises ArgumentError naming what is wrong."
  @spec new!(String.t() | [String.t()] | nil, keyword) :: map
  def new!(tables, opts) do
    unless Keyword.keyword?(opts), do: Rules.refuse("expected a keyword list of options")
    for {key, _} <- opts, not Keyword.has_key?(@options, key), do: unknown(key)
    opts = for {key, spec} <- @options, do: {key, value!(key, spec, opts)}
    connection = opts[:connection]

    opts
    |> Keyword.replace(:connection, connection && Connection.settings!(connection).connection)
    |> Keyword.put(:tables, tables!(tables))
    |> Enum.reject(fn {_key, value} -> value == nil end)
    |> Map.new()
  end

  defp unknown(key) do
    known = Enum.map_join(Keyword.keys(@options), ", ", &inspect/1)
    Rules.refuse("unknown option #{inspect(key)} of a backfill, the options are: #{known}")
  end

  defp value!(:connection, _spec, opts), do: opts[:connection]

  defp value!(key, spec, opts) do
    value = Keyword.get(opts, key, spec[:default])

    unless Type.valid?(spec[:type], value) do
      Rules.refuse(
        "invalid value for option #{inspect(key)} of a backfill: expected " <>
          "#{Type.describe(spec[:type])}, got: #{inspect(value)}"
      )
    end

    value
  end

  # A comma separates patterns.
  defp tables!(nil), do: nil

  defp tables!(tables) do
    tables = List.wrap(tables)

    for table <- tables do
      unless is_binary(table) and table =~ @table do
        Rules.refuse("expected a table as \"schema.table\", got: #{inspect(table)}")
      end
    end

    if tables == [], do: Rules.refuse("a backfill needs a table")
    Enum.map_join(tables, ",", &String.replace(&1, ",", "\\,"))
  end

  @id 1..63

  @doc "The id of a backfill; raises ArgumentError."
  @spec id!(term) :: String.t()
  def id!(nil),
    do: "b" <> ((36 ** 12) |> :rand.uniform() |> Integer.to_string(36) |> String.downcase())

  def id!(id) when is_binary(id) and byte_size(id) in @id, do: id

  def id!(id),
    do: Rules.refuse("the id of a backfill is a string of 1 to 63 bytes: #{inspect(id)}")

  @snapshot "snapshot"

  @doc "The id of the one that option `snapshot` asks for."
  @spec snapshot() :: String.t()
  def snapshot, do: @snapshot

  @doc "The request of option `snapshot`, nil for none; raises ArgumentError."
  @spec snapshot!(term) :: map | nil
  def snapshot!(:never), do: nil
  def snapshot!(:initial), do: new!(nil, mode: :exact)

  def snapshot!([{key, _} | _] = opts) when is_atom(key) do
    {tables, opts} = Keyword.pop(opts, :tables)
    new!(tables, Keyword.put_new(opts, :mode, :exact))
  end

  def snapshot!(tables) when is_list(tables), do: new!(tables, mode: :exact)

  def snapshot!(other) do
    Rules.refuse(
      "option :snapshot is :never, :initial, a list of tables or a keyword list of options, " <>
        "got: #{inspect(other)}"
    )
  end
end
