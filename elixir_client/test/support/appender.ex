defmodule PgEtf.Appender do
  @moduledoc false
  # A sink that only appends: rows of a chunk and its state in one transaction, nothing else.

  use PgEtf.Consumer

  alias PgEtf.Sql

  @doc "The statements that make it."
  def ddl do
    """
    CREATE SCHEMA appended;
    CREATE TABLE appended.rows (id bigint);
    CREATE TABLE appended.kept (id text PRIMARY KEY, state text);
    """
  end

  @doc "Starts one under its own name, which stays when the caller ends."
  def start(connection, opts) do
    spawn(fn ->
      Process.flag(:trap_exit, true)
      {:ok, _} = start_link(connection, opts)
      Process.sleep(:infinity)
    end)
  end

  def start_link(connection, opts) do
    opts = [backfill_store: {&load/0, &save/2}, name: __MODULE__] ++ opts
    :persistent_term.put(__MODULE__, connection)
    PgEtf.Consumer.start_link(__MODULE__, connection, opts)
  end

  @doc "Whether it runs."
  def up?, do: PgEtf.Mirror.up?(__MODULE__)

  defp load do
    {:ok, %{rows: rows}} = Sql.query(conn(), "SELECT id, state FROM appended.kept")
    for [id, state] <- rows, into: %{}, do: {id, Base.decode16!(state)}
  end

  defp save(id, nil), do: Sql.query(conn(), "DELETE FROM appended.kept WHERE id = $1", [id])
  defp save(id, state), do: keep(conn(), id, state)

  defp conn, do: Sql.connect!(:persistent_term.get(__MODULE__))

  defp keep(conn, id, state) do
    sql = "INSERT INTO appended.kept VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET state = $2"
    {:ok, _} = Sql.query(conn, sql, [id, Base.encode16(state)])
  end

  @impl true
  def init(connection), do: {:ok, Sql.connect!(connection)}

  @impl true
  def handle_transaction(%{backfill: nil}, conn), do: {:ok, conn}

  def handle_transaction(%{backfill: %{id: id} = backfill, changes: changes}, conn) do
    {:ok, _} = Sql.query(conn, "BEGIN")
    rows = Enum.map_join(changes, ",", &"(#{&1.record["id"]})")
    if rows != "", do: {:ok, _} = Sql.query(conn, "INSERT INTO appended.rows VALUES #{rows}")
    if backfill[:state], do: keep(conn, id, backfill.state)
    {:ok, _} = Sql.query(conn, "COMMIT")
    Process.sleep(5)
    {:ok, conn}
  end
end
