defmodule PgEtf.Position do
  @moduledoc ~S"""
  A position in the sink's own database: the effect of each transaction happens exactly
  once.

  A slot has one reader, but a sink may briefly have two writers: one that was suspended,
  cut off, or killed while its `COMMIT` was in progress, and the one that has taken over.
  Each would apply the same transaction. So the position is not only stored with the data:
  it is compared and set, in the transaction that writes the data.

      UPDATE pg_etf_positions SET lsn = $1, next_index = $2
      WHERE slot = $3 AND lsn = $4 AND next_index = $5

  A writer that finds a position other than the one it started from writes nothing.

  ## Example

      defmodule Sink do
        @behaviour PgEtf.Consumer

        alias PgEtf.Position

        def position, do: Position.new(slot: "sink", query: &Repo.query/2)

        @impl true
        def init(_), do: {:ok, position()}

        @impl true
        def checkpoint(position), do: Position.checkpoint(position)

        @impl true
        def handle_transaction(transaction, position), do: store(transaction, position)

        @impl true
        def handle_position(lsn, position), do: store(lsn, position)

        defp store(to, position) do
          result =
            Repo.transaction(fn ->
              case Position.advance(position, to) do
                {:ok, changes, position} ->
                  Enum.each(changes, &write/1)
                  position

                {:error, reason} ->
                  Repo.rollback(reason)
              end
            end)

          with {:error, reason} <- result, do: {:error, reason, position}
        end
      end

  Before the first start `create/1` creates the table and the row of the slot, for instance
  in a migration.

  ## How it works

  `checkpoint/1` reads the position and remembers it; `advance/2` advances it from there. As
  the first statement of the transaction `advance/2` also takes a lock: a second writer
  waits for the first, and then finds that the position has changed. It returns
  `{:error, :somebody_else_went_on}`, the transaction is rolled back, and with
  `on_failure: :retry`, the default of a consumer, the stream restarts and `checkpoint/1`
  reads the position again. (`:requeue` would retry from the same outdated position, in
  vain.)

  A transaction delivered in parts advances the position with each part: `lsn` is then the
  place of its commit, and `next_index` the index of the next change. After a restart it is
  delivered again from its first change, and `advance/2` only returns what has not been
  done, whatever the parts are this time. So write what `advance/2` returns, not
  `transaction.changes`.

  A chunk of a snapshot or backfill moves no position. Its rows are always returned, under the
  same lock: write them in place of what is there, since a chunk that was not acknowledged
  comes again.

  The position never moves backwards: for what has already been done no changes are
  returned.

  ## The state of a consumer

  The remembered position has to be discarded together with a failed transaction. Keep it in
  the state that a callback returns with `:ok`, in a `PgEtf.Consumer` with
  `c:PgEtf.Consumer.handle_transaction/2`. A Broadway pipeline handles several transactions
  at once and has no single position: see the guide "Exactly once with Ecto".

  ## Databases

  `:query` is a function that receives a statement and its parameters and returns
  `{:ok, %{rows: rows, num_rows: count}}` or `{:error, reason}`:

  | adapter | |
  |---|---|
  | Ecto (tested with a stand-in of these functions) | `query: &Repo.query/2` |
  | Postgrex | `query: &Postgrex.query(pool, &1, &2)`, and `advance/3` with the connection of the transaction |
  | MyXQL (not tested) | `query: &MyXQL.query(pool, &1, &2), placeholder: "?"`, and `advance/3` |

  With Postgrex:

      Postgrex.transaction(pool, fn conn ->
        case Position.advance(position, to, &Postgrex.query(conn, &1, &2)) do
          {:ok, changes, position} -> ...
          {:error, reason} -> Postgrex.rollback(conn, reason)
        end
      end)

  A writer that is suspended or cut off inside its transaction keeps the lock until the
  sink's server ends its session: set `idle_in_transaction_session_timeout` for it.

  ## Changes of tables themselves

  With `:ddl` an event of a table has the place of the row behind it (`PgEtf.SchemaChange`). Where
  it is the last change of a part of a transaction it can come twice, and so has to be harmless:
  `ADD COLUMN IF NOT EXISTS`.

  ## What it does not store

  Neither the server's identifier nor its timeline is stored. A sink that was restored from
  a backup is behind the slot, and a source that was restored is behind the position:
  comparing positions detects both, and the stream stops with `:gap`. Only a sink without a
  position cannot be distinguished from a new one: so `checkpoint/1` raises if the row is
  missing, and `create/2` accepts the initial position.
  """

  alias PgEtf.{Change, Lsn, Transaction}
  alias __MODULE__

  import Lsn, only: [is_lsn: 1]

  @enforce_keys [:slot, :query]
  defstruct [
    :slot,
    :query,
    table: "pg_etf_positions",
    placeholder: "$",
    lsn: nil,
    next_index: 0
  ]

  @typedoc "Runs a statement with parameters."
  @type query ::
          (String.t(), [term] ->
             {:ok, %{rows: [[term]] | nil, num_rows: integer}} | {:error, term})

  @typedoc """
  Everything before `lsn` is done, and of the transaction that commits there the changes
  with an index below `next_index`. `nil` before it is read.
  """
  @type t :: %Position{
          slot: String.t(),
          query: query,
          table: String.t(),
          placeholder: String.t(),
          lsn: Lsn.t() | nil,
          next_index: non_neg_integer
        }

  @doc """
  A position that is not read yet.

    * `:slot` - (required) the name of its row: that of the slot.
    * `:query` - (required) a function that runs a statement, see "Databases".
    * `:table` - (`"pg_etf_positions"`) the name of the table, as SQL has it.
    * `:placeholder` - (`"$"`) how parameters are written: `"$"` for `$1`, `$2`; `"?"` for
      `?` alone.
  """
  @spec new(keyword) :: t
  def new(opts) do
    position = struct!(Position, Keyword.take(opts, [:slot, :query, :table, :placeholder]))

    case Keyword.keys(opts) -- [:slot, :query, :table, :placeholder] do
      [] -> valid!(position)
      [key | _] -> raise ArgumentError, "unknown option #{inspect(key)}"
    end
  end

  defp valid!(%Position{slot: slot, query: query, table: table, placeholder: placeholder} = new)
       when is_binary(slot) and is_function(query, 2) and is_binary(table) and
              placeholder in ["$", "?"],
       do: new

  defp valid!(_position) do
    raise ArgumentError,
          "expected :slot and :table to be strings, :query a function of two arguments, " <>
            ":placeholder \"$\" or \"?\""
  end

  @doc """
  Makes the table and the row of the slot, where they are missing. An existing position
  stays what it is.

  The row begins at `lsn`: the end of what the sink has already, such as the slot's
  `confirmed_flush_lsn` when the data was copied. With 0 the stream begins where the slot
  does.
  """
  @spec create(t, Lsn.t()) :: :ok | {:error, term}
  def create(%Position{} = position, lsn \\ 0) when is_lsn(lsn) do
    # Of two nodes that make it at the same moment, the server refuses one.
    with {:error, reason} <- position.query.(ddl(position.table), []),
         {:error, _} <- select(position) do
      {:error, reason}
    else
      _ -> create_row(position, lsn)
    end
  end

  defp create_row(position, lsn) do
    with {:ok, %{rows: []}} <- select(position),
         {:error, reason} <- insert(position, lsn),
         {:ok, %{rows: []}} <- select(position) do
      {:error, reason}
    else
      {:ok, _} -> :ok
      {:error, reason} -> {:error, reason}
    end
  end

  @doc "The statement that creates the table."
  @spec ddl(String.t()) :: String.t()
  def ddl(table \\ "pg_etf_positions") do
    # LSNs are unsigned 64-bit; a bigint covers values below 2^63.
    """
    CREATE TABLE IF NOT EXISTS #{table} (
      slot varchar(63) PRIMARY KEY,
      lsn bigint NOT NULL,
      next_index bigint NOT NULL
    )
    """
  end

  @doc """
  Reads the position, and returns what `c:PgEtf.Consumer.checkpoint/1` has to: where to
  continue and the new state. Raises if there is no row, or the query fails.
  """
  @spec checkpoint(t) :: {Lsn.t() | nil, t}
  def checkpoint(%Position{} = position) do
    case select(position) do
      {:ok, %{rows: [[lsn, next_index]]}} ->
        {if(lsn > 0, do: lsn), %{position | lsn: lsn, next_index: next_index}}

      {:ok, %{rows: []}} ->
        raise "no position is stored for slot #{position.slot} in #{position.table}: " <>
                "PgEtf.Position.create/2 stores the first one"

      {:error, error} when is_exception(error) ->
        raise error

      {:error, reason} ->
        raise "the position of slot #{position.slot} cannot be read: #{inspect(reason)}"
    end
  end

  @doc """
  Advances the position past a transaction, a part of one, or to a position without a
  transaction. Call it inside the sink's transaction, before anything else.

  Returns the changes that have not been done yet, and the new position. After an error the
  transaction must be rolled back; `:somebody_else_went_on` means that the stored position
  is not the one that was read.
  """
  @spec advance(t, Transaction.t() | Lsn.t(), query) ::
          {:ok, [Change.t()], t} | {:error, :somebody_else_went_on | term}
  def advance(position, to, query \\ nil)

  def advance(%Position{lsn: nil, slot: slot}, _to, _query) do
    raise ArgumentError, "the position of slot #{slot} has not been read: call checkpoint/1 first"
  end

  # What is read from a table has no place: it is written whenever it comes.
  def advance(%Position{} = position, %Transaction{backfill: %{}} = chunk, query) do
    with :ok <- update(position, position, query || position.query) do
      {:ok, chunk.changes, position}
    end
  end

  def advance(%Position{} = position, to, query) do
    {lsn, next_index} = place = place(to)

    cond do
      place > {position.lsn, position.next_index} ->
        next = %{position | lsn: lsn, next_index: next_index}

        with :ok <- update(position, next, query || position.query) do
          {:ok, to_do(position, to), next}
        end

      place == {position.lsn, position.next_index} ->
        {:ok, perhaps_to_do(to, next_index), position}

      true ->
        {:ok, [], position}
    end
  end

  defp place(%Transaction{part: part, end_lsn: lsn}) when part in [:whole, :last] and is_lsn(lsn),
    do: {lsn, 0}

  # Indexes are not without holes when updates are split.
  defp place(%Transaction{commit_lsn: lsn, changes: [_ | _] = changes}),
    do: {lsn, changes |> List.last() |> Change.next_index()}

  defp place(%Transaction{commit_lsn: lsn, first_index: first}), do: {lsn, first}

  defp place(lsn) when is_lsn(lsn), do: {lsn, 0}

  defp to_do(%Position{lsn: lsn, next_index: next}, %Transaction{commit_lsn: lsn} = transaction) do
    Enum.drop_while(transaction.changes, &(&1.index < next))
  end

  defp to_do(_position, %Transaction{changes: changes}), do: changes
  defp to_do(_position, _lsn), do: []

  # What happens to tables before the first row has the place at which a transaction before
  # may have ended.
  defp perhaps_to_do(%Transaction{part: part, changes: changes}, 0)
       when part in [:first, :middle],
       do: changes

  defp perhaps_to_do(_to, _next_index), do: []

  ## Statements

  defp update(seen, next, query) do
    [lsn, next_index, slot, seen_lsn, seen_index] = marks(seen, 5)

    sql =
      "UPDATE #{seen.table} SET lsn = #{lsn}, next_index = #{next_index} " <>
        "WHERE slot = #{slot} AND lsn = #{seen_lsn} AND next_index = #{seen_index}"

    params = [next.lsn, next.next_index, seen.slot, seen.lsn, seen.next_index]

    case query.(sql, params) do
      {:ok, %{num_rows: 1}} -> :ok
      {:ok, %{num_rows: 0}} -> {:error, :somebody_else_went_on}
      {:error, reason} -> {:error, reason}
    end
  end

  defp select(%Position{} = position) do
    [slot] = marks(position, 1)
    sql = "SELECT lsn, next_index FROM #{position.table} WHERE slot = #{slot}"
    position.query.(sql, [position.slot])
  end

  defp insert(%Position{} = position, lsn) do
    [slot, first] = marks(position, 2)
    sql = "INSERT INTO #{position.table} (slot, lsn, next_index) VALUES (#{slot}, #{first}, 0)"
    position.query.(sql, [position.slot, lsn])
  end

  defp marks(%Position{placeholder: "$"}, count), do: for(n <- 1..count, do: "$#{n}")
  defp marks(%Position{placeholder: "?"}, count), do: List.duplicate("?", count)
end
