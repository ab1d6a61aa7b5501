defmodule PgEtf.PubSub do
  @moduledoc """
  Broadcasts committed changes to whoever subscribes to a table or to a row.

      children = [
        {Phoenix.PubSub, name: MyApp.PubSub},
        {PgEtf.PubSub,
         pubsub: MyApp.PubSub,
         connection: MyApp.Repo,
         slot: "pubsub",
         create_slot: true,
         tables: ["public.orders"]}
      ]

      PgEtf.PubSub.subscribe(MyApp.PubSub, "orders")
      PgEtf.PubSub.subscribe(MyApp.PubSub, "orders", 42)

  A subscriber receives `{:pg_etf, %PgEtf.Change{}}` for each change of the table, or of the
  row with this key: whoever made it, in any language, after the commit and in its order.
  The guide "LiveView" has an example.

  It is a `PgEtf.Consumer`, with its options, and:

    * `:pubsub` - (required) the name of the `Phoenix.PubSub`.
    * `:payload` - (`:row`) with `:key` the changes come without `record` and `old_record`:
      nobody gets what they may not see, and whoever may reads the row by its `key`.
    * `:adapter` - (`Phoenix.PubSub`) a module with `broadcast/3` like its. Subscribers
      subscribe there, to `topic/1` or `topic/2`.

  One node of a cluster reads the slot, the others stand by, and `Phoenix.PubSub` carries the
  changes to all of them. Broadcasts are not acknowledged: a subscriber that is not there
  misses them, so subscribe first, and read the rows then.
  """

  use PgEtf.Consumer

  alias PgEtf.{Change, Consumer}

  @compile {:no_warn_undefined, Phoenix.PubSub}

  @own [:pubsub, :payload, :adapter]

  @typedoc "A table in `public`, `schema.table`, or a schema of Ecto."
  @type table :: String.t() | module

  @typedoc "The value of a key of one column, or `%{column => value}`."
  @type key :: term

  @impl Consumer
  def init(own), do: {:ok, own}

  @impl Consumer
  def handle_changes(changes, own) do
    for change <- changes, topic <- topics(change) do
      :ok = own.adapter.broadcast(own.pubsub, topic, {:pg_etf, payload(change, own.payload)})
    end

    {:ok, own}
  end

  @doc "A child specification."
  @spec child_spec(keyword) :: Supervisor.child_spec()
  def child_spec(opts), do: opts |> Keyword.put_new(:name, __MODULE__) |> super()

  @doc "Starts it."
  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(opts) do
    {own, opts} = Keyword.split(opts, @own)
    super([arg: own!(own)] ++ opts)
  end

  defp own!(own) do
    own = Keyword.validate!(own, [:pubsub, payload: :row, adapter: Phoenix.PubSub])

    unless own[:pubsub], do: raise(ArgumentError, "required option :pubsub is missing")

    unless own[:payload] in [:row, :key] do
      raise ArgumentError, "expected option :payload to be :row or :key"
    end

    unless Code.ensure_loaded?(own[:adapter]) do
      raise ArgumentError, "#{inspect(own[:adapter])} is not available"
    end

    Map.new(own)
  end

  defp payload(change, :row), do: change
  defp payload(change, :key), do: %{change | record: nil, old_record: nil}

  @doc "Subscribes the calling process to a table."
  @spec subscribe(atom, table) :: :ok | {:error, term}
  def subscribe(pubsub, table), do: Phoenix.PubSub.subscribe(pubsub, topic(table))

  @doc "Subscribes the calling process to a row."
  @spec subscribe(atom, table, key) :: :ok | {:error, term}
  def subscribe(pubsub, table, key), do: Phoenix.PubSub.subscribe(pubsub, topic(table, key))

  @doc """
  The topic of a table.

      iex> PgEtf.PubSub.topic("orders")
      "pg_etf:public.orders"
  """
  @spec topic(table) :: String.t()
  def topic(schema) when is_atom(schema), do: schema |> PgEtf.Ecto.table() |> table_topic()

  def topic(table) when is_binary(table) do
    case String.split(table, ".", parts: 2) do
      [schema, table] -> table_topic({schema, table})
      [table] -> table_topic({"public", table})
    end
  end

  @doc """
  The topic of a row.

      iex> PgEtf.PubSub.topic("orders", 42)
      "pg_etf:public.orders:42"
      iex> PgEtf.PubSub.topic("audit.lines", %{"order_id" => 42, "line" => "a:b"})
      "pg_etf:audit.lines:a%3Ab:42"
  """
  @spec topic(table, key) :: String.t()
  def topic(table, key), do: row_topic(topic(table), key)

  defp table_topic({schema, table}), do: "pg_etf:#{text(schema)}.#{text(table)}"

  # The values of a key, in the order of its columns' names.
  defp row_topic(topic, %{} = key) when not is_struct(key) do
    values = key |> Enum.sort_by(&to_string(elem(&1, 0))) |> Enum.map(&elem(&1, 1))
    Enum.join([topic | Enum.map(values, &value/1)], ":")
  end

  defp row_topic(topic, value), do: "#{topic}:#{value(value)}"

  # A colon in it would look like another column.
  defp value(value), do: value |> text() |> URI.encode(&(&1 not in ~c":%"))

  defp text(value) do
    if String.Chars.impl_for(value), do: to_string(value), else: inspect(value)
  end

  defp topics(%Change{op: :truncate, truncated: tables}), do: Enum.map(tables, &table_topic/1)
  defp topics(%Change{table: nil}), do: []

  defp topics(%Change{} = change) do
    table = table_topic({change.schema, change.table})
    [table | for(key <- keys(change), do: row_topic(table, key))]
  end

  # One that changes its key concerns whoever looks at the old one or the new.
  defp keys(%Change{key: nil}), do: []

  defp keys(%Change{op: :update, key: key, record: %{} = record}) do
    Enum.uniq([key, now(key, record)])
  end

  defp keys(%Change{key: key}), do: [key]

  defp now(key, %_{} = struct), do: now(key, PgEtf.Ecto.dump(struct))
  defp now(key, record), do: Map.merge(key, Map.take(record, Map.keys(key)))
end
