defmodule PgEtf.Outbox do
  @moduledoc """
  Events that are part of a transaction, without a table for them.

      Repo.transaction(fn ->
        Repo.insert!(order)
        PgEtf.Outbox.emit(Repo, "order_placed", %{id: order.id})
      end)

  An event is a logical message in the WAL: if the transaction is rolled back it was never
  there, and nothing has to be polled, deleted or vacuumed. It arrives in commit order, at
  least once, and its `id` is the same each time.

  ## Consuming

      defmodule MyApp.Outbox do
        use PgEtf.Outbox, slot: "outbox", create_slot: true

        @impl true
        def handle_event(%PgEtf.Outbox.Event{topic: "order_placed"} = event, state) do
          MyApp.Mailer.new(%{order: event.payload.id, event: event.id})
          |> Oban.insert!()

          {:ok, state}
        end
      end

      children = [{MyApp.Outbox, connection: MyApp.Repo}]

  It is a `PgEtf.Consumer` with `c:handle_event/2` for one event at a time, and has its
  options, except those about rows and batches. `:topics` may name the topics to read, as
  patterns with `*`. What
  `c:handle_event/2` returns is that of `c:PgEtf.Consumer.handle_changes/2`; later
  acknowledgement is `ack/2`.

  An event may come twice, after a crash between the effect and the confirmation. A job is
  inserted once all the same if it is unique by the place of its event:

      defmodule MyApp.Mailer do
        use Oban.Worker, unique: [keys: [:event], period: :infinity]
        ...

  and so is any row with `event.id` as its key: `INSERT ... ON CONFLICT DO NOTHING`. Where
  jobs are in the same database as the consumer's position, `PgEtf.Position` makes it exact.

  ## Who may emit

  Whoever may call `pg_logical_emit_message`, by default everybody who may connect. A payload
  is decoded without creating atoms, and without functions in it. What cannot be decoded is a
  failure of the message, and `:on_failure` decides: an event of a newer node may have atoms
  that this one does not know yet, and must not get lost. Where others can write SQL, take
  the privilege away: `REVOKE EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, bytea)
  FROM PUBLIC`.

  A payload should be small, and plain: terms that the next version of the application knows,
  too.
  """

  alias PgEtf.{Change, Consumer}
  alias PgEtf.Outbox.{Codec, Event}

  @typedoc "A Repo, or a function as `&Postgrex.query(conn, &1, &2)`."
  @type database :: module | (sql :: String.t(), [term] -> {:ok, term} | {:error, term})

  @doc "Handles an event."
  @callback handle_event(Event.t(), Consumer.state()) :: Consumer.result()

  @prefix "outbox:"

  @doc """
  Emits an event in the transaction of the calling process. Options:

    * `:headers` - a list of `{name, value}`, as of OpenTelemetry:
      `:otel_propagator_text_map.inject([])`.

  With a Repo it raises outside of a transaction, where an event would be atomic with
  nothing.
  """
  @spec emit(database, String.t(), payload :: term, keyword) :: :ok
  def emit(database, topic, payload, opts \\ []) when is_binary(topic) do
    [headers: headers] = Keyword.validate!(opts, headers: [])
    write!(database, @prefix <> topic, Codec.encode(payload, headers))
  end

  @doc """
  Says to which trace the transaction of the calling process belongs: see `PgEtf.Trace`. The
  headers are those of `:otel_propagator_text_map.inject([])`; without a `traceparent` among
  them nothing is written.
  """
  @spec put_trace(database, PgEtf.Trace.headers()) :: :ok
  def put_trace(database, headers) do
    name = PgEtf.Trace.prefix()

    case List.keyfind(headers, name, 0) do
      {_, value} -> write!(database, name, value)
      nil -> :ok
    end
  end

  @emit "SELECT pg_logical_emit_message(true, $1, $2::bytea)::text"

  defp write!(database, prefix, content) when is_function(database, 2) do
    case database.(@emit, [prefix, content]) do
      {:ok, _result} -> :ok
      {:error, reason} when is_exception(reason) -> raise reason
      {:error, reason} -> raise "the event is not written: #{inspect(reason)}"
    end
  end

  defp write!(repo, prefix, content) when is_atom(repo) do
    unless repo.in_transaction?() do
      raise ArgumentError, "an event is part of a transaction, and there is none"
    end

    write!(&repo.query/2, prefix, content)
  end

  @doc """
  The event in a change, for a pipeline of your own, which reads `messages: ["outbox:*"]`.
  `:error` for what is none.
  """
  @spec event(Change.t()) :: {:ok, Event.t()} | {:error, reason :: String.t()} | :error
  def event(%Change{op: :message, prefix: @prefix <> topic} = change) do
    with {:ok, payload, headers} <- Codec.decode(change.content) do
      {:ok,
       %Event{
         id: PgEtf.message_id(change),
         topic: topic,
         payload: payload,
         headers: headers,
         commit_lsn: change.commit_lsn,
         index: change.index,
         commit_time: change.commit_time,
         change: change
       }}
    end
  end

  def event(%Change{}), do: :error

  @doc "Acknowledges events that `c:handle_event/2` has left for later by `{:noack, state}`."
  @spec ack(GenServer.server(), Event.t() | [Event.t()]) :: :ok
  def ack(consumer, events) do
    Consumer.ack(consumer, for(event <- List.wrap(events), do: event.change))
  end

  @doc "The same for what has failed: see `PgEtf.Consumer.fail/3`."
  @spec fail(GenServer.server(), Event.t() | [Event.t()], reason :: term) :: :ok
  def fail(consumer, events, reason) do
    Consumer.fail(consumer, for(event <- List.wrap(events), do: event.change), reason)
  end

  @doc false
  defmacro __using__(opts) do
    quote location: :keep do
      @behaviour PgEtf.Outbox
      use PgEtf.Consumer, Keyword.delete(unquote(opts), :topics)

      @impl PgEtf.Consumer
      def handle_changes(changes, state),
        do: PgEtf.Outbox.Reader.handle(__MODULE__, changes, state)

      def start_link(opts), do: opts |> PgEtf.Outbox.Reader.options(unquote(opts)) |> super()

      defoverridable start_link: 1
    end
  end

  @doc false
  def prefix, do: @prefix
end
