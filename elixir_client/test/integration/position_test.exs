defmodule PgEtf.Integration.PositionTest do
  # PgEtf.Position against a real server: what the lock and the comparison do.
  use PgEtf.Integration, async: true

  alias PgEtf.{Position, Sql}

  setup %{sandbox: sandbox} do
    connection = Sandbox.connection(sandbox)
    {socket, position} = connect(connection, name("s"))
    assert Position.create(position, 100) == :ok
    assert Position.create(position, 200) == :ok
    on_exit(fn -> Sql.close(socket) end)
    %{connection: connection, slot: position.slot, position: position}
  end

  defp connect(connection, slot) do
    socket = Sql.connect!(connection)
    {socket, Position.new(slot: slot, query: &Sql.query(socket, &1, &2))}
  end

  # Another writer, in a transaction of its own.
  defp begin(%{connection: connection, slot: slot}, isolation \\ "READ COMMITTED") do
    {socket, position} = connect(connection, slot)
    {100, position} = Position.checkpoint(position)
    {:ok, _} = Sql.query(socket, "BEGIN ISOLATION LEVEL #{isolation}; SELECT 1")
    {socket, position}
  end

  defp stored(position), do: position |> Position.checkpoint() |> elem(0)

  defp waits_for_lock?(sandbox) do
    Sandbox.psql!(sandbox, "SELECT count(*) FROM pg_locks WHERE NOT granted") != "0\n"
  end

  for isolation <- ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] do
    test "the second writer waits, and writes nothing: #{isolation}", context do
      isolation = unquote(isolation)
      {socket, position} = begin(context, isolation)
      {:ok, [], _} = Position.advance(position, 300)

      second =
        Task.async(fn ->
          {socket, position} = begin(context, isolation)
          result = Position.advance(position, 300)
          Sql.query(socket, "COMMIT")
          result
        end)

      eventually(fn -> waits_for_lock?(context.sandbox) end)
      {:ok, _} = Sql.query(socket, "COMMIT")

      # Above the lowest level the server itself refuses.
      case isolation do
        "READ COMMITTED" -> assert Task.await(second) == {:error, :somebody_else_went_on}
        _ -> assert {:error, %Sql.Error{code: "40001"}} = Task.await(second)
      end

      assert stored(context.position) == 300
    end
  end

  test "what is lost with its connection has not moved", context do
    {socket, position} = begin(context)
    {:ok, [], _} = Position.advance(position, 300)
    Sql.close(socket)

    {socket, position} = begin(context)
    {:ok, [], _} = Position.advance(position, 400)
    {:ok, _} = Sql.query(socket, "COMMIT")
    assert stored(context.position) == 400
  end

  test "two make the table and the row at once", %{sandbox: sandbox, connection: connection} do
    Sandbox.psql!(sandbox, "CREATE SCHEMA other")

    made =
      for _ <- 1..8 do
        Task.async(fn ->
          {_, position} = connect(connection, "s")
          Position.create(%{position | table: "other.positions"}, 7)
        end)
      end

    assert Enum.uniq(Task.await_many(made)) == [:ok]
  end

  if Code.ensure_loaded?(Postgrex) do
    defmodule Sink do
      @behaviour PgEtf.Consumer

      @impl true
      def init(pool),
        do: {:ok, {pool, Position.new(slot: "postgrex", query: &Postgrex.query(pool, &1, &2))}}

      @impl true
      def checkpoint({pool, position}) do
        {lsn, position} = Position.checkpoint(position)
        {lsn, {pool, position}}
      end

      @impl true
      def handle_transaction(to, {pool, position} = state) do
        Postgrex.transaction(pool, fn conn ->
          case Position.advance(position, to, &Postgrex.query(conn, &1, &2)) do
            {:ok, changes, position} ->
              for %{record: %{"id" => id}} <- changes,
                  do: Postgrex.query!(conn, "INSERT INTO sink VALUES ($1)", [id])

              {pool, position}

            {:error, reason} ->
              Postgrex.rollback(conn, reason)
          end
        end)
        |> case do
          {:ok, state} -> {:ok, state}
          {:error, reason} -> {:error, reason, state}
        end
      end
    end

    test "with Postgrex", %{sandbox: sandbox, connection: connection} do
      {:ok, _} = Application.ensure_all_started(:postgrex)
      pool = start_supervised!({Postgrex, connection})
      {:ok, {_, position}} = Sink.init(pool)
      assert Position.create(position) == :ok
      assert Position.create(position) == :ok
      Sandbox.psql!(sandbox, "CREATE TABLE source (id int); CREATE TABLE sink (id int)")
      create_slot(sandbox, "postgrex")
      opts = options(sandbox, "postgrex", tables: ["public.source"])
      {:ok, consumer} = PgEtf.Consumer.start_link(Sink, pool, opts)
      Sandbox.psql!(sandbox, "INSERT INTO source VALUES (1), (2)")
      rows = fn -> Sandbox.psql!(sandbox, "SELECT id FROM sink ORDER BY id") end
      eventually(fn -> rows.() == "1\n2\n" end)

      # Somebody else was here: it reads the position again, and goes on from there.
      here = current(sandbox)
      Sandbox.psql!(sandbox, "UPDATE pg_etf_positions SET lsn = #{here} WHERE slot = 'postgrex'")
      Sandbox.psql!(sandbox, "INSERT INTO source VALUES (3)")
      eventually(fn -> rows.() == "1\n2\n3\n" end)
      GenServer.stop(consumer)
    end
  end
end
