defmodule PgEtf.Mirror do
  @moduledoc false
  # A copy of the tables of schema public in schema mirror of the same database, by whoever
  # reads only public.*: tables of id, v and big. It counts what it is given, and skips what
  # it has written, by place.

  use PgEtf.Consumer

  alias PgEtf.{Change, Sandbox, Sql}

  @doc "Makes tables with so many rows, whose large values changes leave out, and a mirror of them."
  def create!(sandbox, tables, rows) do
    for table <- tables do
      Sandbox.psql!(sandbox, """
      CREATE TABLE #{table} (id bigint PRIMARY KEY, v text, big text);
      ALTER TABLE #{table} ALTER big SET STORAGE EXTERNAL;
      INSERT INTO #{table} SELECT i, 'old', repeat(md5(i::text), 100)
      FROM generate_series(1, #{rows}) AS i;
      """)
    end

    Sandbox.psql!(sandbox, ddl(tables))
  end

  @doc "The statements that make a mirror of tables."
  def ddl(tables) do
    """
    DROP SCHEMA IF EXISTS mirror CASCADE;
    CREATE SCHEMA mirror;
    CREATE TABLE mirror.place (lsn bigint, index bigint, reads bigint, position bigint);
    INSERT INTO mirror.place VALUES (0, 0, 0, NULL);
    #{for table <- tables, do: "CREATE TABLE mirror.#{table} (LIKE public.#{table} INCLUDING ALL);"}
    """
  end

  @doc "Starts one under no other name, which stays when the caller ends."
  def start(connection, opts, module \\ __MODULE__) do
    spawn(fn ->
      Process.flag(:trap_exit, true)
      {:ok, _} = PgEtf.Consumer.start_link(module, connection, opts)
      Process.sleep(:infinity)
    end)
  end

  @doc "Whether one runs under this name."
  def up?(name \\ __MODULE__) do
    is_map(PgEtf.info(name))
  rescue
    ArgumentError -> false
  end

  @doc "The same, and it reads the slot."
  def connected?, do: up?() and PgEtf.info(__MODULE__).status == :connected

  @doc "Whether a table and its mirror have the same rows."
  def same?(sandbox, table) do
    [ours, theirs] =
      for schema <- ["public", "mirror"] do
        Sandbox.psql!(sandbox, """
        SELECT count(*), md5(string_agg(concat_ws(',', id, v, md5(big)), ';' ORDER BY id))
        FROM #{schema}.#{table}
        """)
      end

    ours == theirs
  end

  @doc "How many rows it has been given that were read."
  def reads(sandbox) do
    sandbox
    |> Sandbox.psql!("SELECT reads FROM mirror.place")
    |> String.trim()
    |> String.to_integer()
  end

  @impl true
  def init(connection), do: {:ok, Sql.connect!(connection)}

  @impl true
  def handle_changes(changes, conn) do
    {:ok, _} = Sql.query(conn, "BEGIN")

    {:ok, %{rows: [[lsn, index, _, _]]}} =
      Sql.query(conn, "SELECT * FROM mirror.place FOR UPDATE")

    news = Enum.filter(changes, &(&1.index == nil or {&1.commit_lsn, &1.index} > {lsn, index}))
    for change <- news, do: {:ok, _} = write(change, conn)
    {reads, streamed} = Enum.split_with(news, &(&1.op == :read))
    Enum.each(Enum.take(streamed, -1), &set_place(&1, conn))
    {:ok, _} = Sql.query(conn, "UPDATE mirror.place SET reads = reads + $1", [length(reads)])
    {:ok, _} = Sql.query(conn, "COMMIT")
    {:ok, conn}
  end

  defp set_place(%Change{commit_lsn: lsn, index: index}, conn) do
    {:ok, _} = Sql.query(conn, "UPDATE mirror.place SET lsn = $1, index = $2", [lsn, index])
  end

  defp write(%Change{op: :truncate, truncated: tables}, conn) do
    Sql.query(conn, "TRUNCATE " <> Enum.map_join(tables, ", ", fn {_, t} -> "mirror.#{t}" end))
  end

  defp write(%Change{op: :delete} = change, conn) do
    Sql.query(conn, "DELETE FROM mirror.#{change.table} WHERE id = $1", [change.key["id"]])
  end

  # Without the large value, which the row has already or will get.
  defp write(%Change{op: :update, unchanged_toast: ["big"], record: record} = change, conn) do
    params = [change.key["id"], record["id"], record["v"]]
    Sql.query(conn, "UPDATE mirror.#{change.table} SET id = $2, v = $3 WHERE id = $1", params)
  end

  defp write(%Change{op: :update} = change, conn) do
    with {:ok, _} <- write(%{change | op: :delete}, conn), do: upsert(change, conn)
  end

  defp write(change, conn), do: upsert(change, conn)

  defp upsert(%Change{record: record} = change, conn) do
    sql = """
    INSERT INTO mirror.#{change.table} (id, v, big) VALUES ($1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET v = excluded.v, big = excluded.big
    """

    Sql.query(conn, sql, [record["id"], record["v"], record["big"]])
  end

  defmodule Placed do
    @moduledoc false
    # The same, which stores its position.

    use PgEtf.Consumer

    alias PgEtf.Mirror

    @impl true
    defdelegate init(connection), to: Mirror

    @impl true
    def checkpoint(conn) do
      {:ok, %{rows: [[position]]}} = Sql.query(conn, "SELECT position FROM mirror.place")
      position
    end

    @impl true
    def handle_transaction(transaction, conn) do
      {:ok, conn} = Mirror.handle_changes(transaction.changes, conn)
      ends? = transaction.backfill == nil and transaction.part in [:whole, :last]
      if ends?, do: handle_position(transaction.end_lsn, conn), else: {:ok, conn}
    end

    @impl true
    def handle_position(lsn, conn) do
      {:ok, _} = Sql.query(conn, "UPDATE mirror.place SET position = $1", [lsn])
      {:ok, conn}
    end
  end
end
