defmodule PgEtf.Integration.FencingTest do
  # Two writers of one sink, where for a moment both believe that it is theirs. A sink
  # that only stores its position writes a row twice in each of these ways; one that
  # compares it, once.
  use PgEtf.Integration, async: true

  alias PgEtf.{Beam, Repo, RowSink, Sql}

  setup %{sandbox: sandbox} do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY")
    database = name("sink")
    Sandbox.psql!(sandbox, "CREATE DATABASE #{database} OWNER sandbox", username: "postgres")
    sink = sandbox |> Sandbox.connection() |> Keyword.put(:database, database)
    dir = Path.join(System.tmp_dir!(), name("pg_etf_hold"))
    File.mkdir!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)
    world = %{sandbox: sandbox, table: table, slot: slot, sink: sink, dir: dir}

    Map.put(world, :socket, Sql.connect!(sink))
  end

  defp node(world, name, state, opts \\ [], sink \\ []) do
    node = Beam.start(name)
    start(node, world, Map.put(state, :node, name), opts, sink)
    node
  end

  defp start(node, world, state, opts, sink) do
    opts = options(world.sandbox, world.slot, [tables: ["public.#{world.table}"]] ++ opts)
    Beam.call(node, RowSink, :start, [world.sink ++ sink, opts, state])
  end

  # In a node of its own, since this one may have another repository.
  defp create(world) do
    node = Beam.start("create")
    :ok = Beam.call(node, Repo, :start, [world.sink])
    :ok = Beam.call(node, RowSink, :create, [world.slot])
    Beam.kill(node)
  end

  defp insert(world, id),
    do: Sandbox.psql!(world.sandbox, "INSERT INTO #{world.table} VALUES (#{id})")

  defp rows(world) do
    {:ok, %{rows: rows}} = Sql.query(world.socket, "SELECT id FROM sink ORDER BY id")
    List.flatten(rows)
  end

  defp eventually_rows(world, ids), do: eventually(fn -> rows(world) == ids end, 60_000)

  defp held(world), do: eventually(fn -> File.exists?(Path.join(world.dir, "held")) end)
  defp go(world), do: File.write!(Path.join(world.dir, "go"), "")

  defp waits_for_lock(world) do
    eventually(fn ->
      Sandbox.psql!(world.sandbox, """
      SELECT count(*) FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND datname = '#{world.sink[:database]}'
      """) == "1\n"
    end)
  end

  # Of a server that has noticed.
  defp free(world) do
    slot = "FROM pg_replication_slots WHERE slot_name = '#{world.slot}'"
    Sandbox.psql!(world.sandbox, "SELECT pg_terminate_backend(active_pid) #{slot} AND active")
  end

  # A slow COMMIT: what is deferred to it takes longer than a node to start, once.
  defp slow_commit(world, id) do
    {:ok, _} =
      Sql.query(world.socket, """
      CREATE SEQUENCE slows;
      CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN
          IF nextval('slows') = 1 THEN PERFORM pg_sleep(6); END IF;
          RETURN NULL;
        END$$;
      CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON sink DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.id = #{id}) EXECUTE FUNCTION slow();
      """)
  end

  defp committing(world) do
    eventually(fn ->
      Sandbox.psql!(world.sandbox, """
      SELECT count(*) FROM pg_stat_activity
      WHERE wait_event = 'PgSleep' AND query = 'COMMIT' AND datname = '#{world.sink[:database]}'
      """) == "1\n"
    end)
  end

  defp fenced?(node), do: Beam.logged(node) =~ "somebody_else_went_on"

  # Node a holds at row 2, inside its transaction; b takes the slot.
  defp paused(world, recipe, place, sink \\ []) do
    create(world)
    hold = {2, place, world.dir}
    a = node(world, "a", %{recipe: recipe, hold: hold}, [], sink)
    for id <- 1..3, do: insert(world, id)
    held(world)
    Beam.pause(a)
    b = node(world, "b", %{recipe: recipe})
    free(world)
    {a, b}
  end

  # The old node goes on by reading again: it is the reader when the other is gone.
  defp takes_over(world, b, ids) do
    Beam.kill(b)
    insert(world, 9)
    eventually_rows(world, ids ++ [9])
  end

  describe "a node that was paused before it moved the position" do
    test "stored: twice", world do
      {a, _} = paused(world, :stored, :before)
      eventually_rows(world, [1, 2, 3])
      go(world)
      Beam.continue(a)
      eventually(fn -> match?([1, 2, 2 | _], rows(world)) end)
    end

    test "compared: once", world do
      {a, b} = paused(world, :compared, :before)
      eventually_rows(world, [1, 2, 3])
      go(world)
      Beam.continue(a)
      eventually(fn -> fenced?(a) end)
      assert rows(world) == [1, 2, 3]
      takes_over(world, b, [1, 2, 3])
    end
  end

  describe "a node that was paused after it moved the position" do
    test "stored: twice", world do
      {a, _} = paused(world, :stored, :inside)
      waits_for_lock(world)
      go(world)
      Beam.continue(a)
      eventually(fn -> Enum.count(rows(world), &(&1 == 2)) == 2 end)
    end

    test "compared: once", world do
      {a, b} = paused(world, :compared, :inside)
      waits_for_lock(world)
      go(world)
      Beam.continue(a)
      eventually_rows(world, [1, 2, 3])
      eventually(fn -> fenced?(b) end)
      assert rows(world) == [1, 2, 3]
      takes_over(world, b, [1, 2, 3])
    end

    test "compared, and the sink's server ends its session: once", world do
      parameters = [parameters: [idle_in_transaction_session_timeout: "1s"]]
      {a, b} = paused(world, :compared, :inside, parameters)
      eventually_rows(world, [1, 2, 3])
      go(world)
      Beam.continue(a)

      eventually(fn -> Beam.logged(a) =~ "connection: closed" end)
      assert rows(world) == [1, 2, 3]
      takes_over(world, b, [1, 2, 3])
    end
  end

  # The reader is slower to come back than the other one is to look.
  defp terminated(world, recipe) do
    create(world)
    hold = {2, :before, world.dir}
    a = node(world, "a", %{recipe: recipe, hold: hold}, backoff_min: 3_000, backoff_max: 3_000)
    b = node(world, "b", %{recipe: recipe})
    for id <- 1..3, do: insert(world, id)
    held(world)
    eventually(fn -> Beam.logged(b) =~ "standing by" end)
    free(world)
    eventually_rows(world, [1, 2, 3])
    go(world)
    {a, b}
  end

  describe "a walsender that was terminated inside a transaction of the sink" do
    test "stored: twice", world do
      terminated(world, :stored)
      eventually(fn -> match?([1, 2, 2 | _], rows(world)) end)
    end

    test "compared: once", world do
      {a, b} = terminated(world, :compared)
      eventually(fn -> fenced?(a) end)
      assert rows(world) == [1, 2, 3]
      takes_over(world, b, [1, 2, 3])
    end
  end

  defp killed(world, recipe) do
    create(world)
    slow_commit(world, 2)
    a = node(world, "a", %{recipe: recipe})
    for id <- 1..3, do: insert(world, id)
    committing(world)
    Beam.kill(a)
    node(world, "a", %{recipe: recipe})
  end

  describe "a node that was killed in its COMMIT, and started again" do
    test "stored: twice", world do
      killed(world, :stored)
      eventually_rows(world, [1, 2, 2, 3])
    end

    test "compared: once", world do
      a = killed(world, :compared)
      eventually_rows(world, [1, 2, 3])
      eventually(fn -> fenced?(a) end)
      insert(world, 4)
      eventually_rows(world, [1, 2, 3, 4])
    end
  end
end
