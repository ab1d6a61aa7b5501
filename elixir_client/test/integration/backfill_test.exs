defmodule PgEtf.Integration.BackfillTest do
  # Tables that are read beside the stream, while others write: in the end a mirror that has
  # nothing but what it is given has the same rows.
  use PgEtf.Integration, async: true

  alias PgEtf.{Appender, Beam, Mirror, Sql}

  @rows 2_000

  setup %{sandbox: sandbox} do
    tables = for _ <- 1..3, do: name("t")
    Mirror.create!(sandbox, tables, @rows)
    %{tables: tables, slot: name("s"), sandbox: sandbox}
  end

  setup_all %{sandbox: sandbox} do
    create_extension(sandbox)
    :ok
  end

  defp stream(context, more) do
    tables = for table <- context.tables, do: "public.#{table}"

    options(
      context.sandbox,
      context.slot,
      [tables: tables] ++ Keyword.put_new(more, :create_slot, true)
    )
  end

  defp mirror(context, more, module \\ Mirror) do
    opts = stream(context, more)
    {:ok, consumer} = PgEtf.Consumer.start_link(module, opts[:connection], opts)
    consumer
  end

  # Inserts, updates with and without the large value, key changes, deletes, savepoints, and
  # now and then a truncate, until the task is told to end.
  defp writer(context) do
    connection = Sandbox.connection(context.sandbox)
    tables = context.tables

    Task.async(fn ->
      conn = Sql.connect!(connection)
      write_on(conn, tables, 0)
    end)
  end

  # Not faster than a busy machine can follow.
  defp write_on(conn, tables, n) do
    receive do
      :enough -> n
    after
      5 ->
        {:ok, _} = Sql.query(conn, "BEGIN")
        for _ <- 1..Enum.random(1..5), do: write_one(conn, Enum.random(tables), n)
        {:ok, _} = Sql.query(conn, Enum.random(["COMMIT", "COMMIT", "COMMIT", "ROLLBACK"]))
        write_on(conn, tables, n + 1)
    end
  end

  defp write_one(conn, table, n) do
    id = Enum.random(1..(@rows + 500))
    big = "repeat(md5('#{n}'), 100)"

    sql =
      case Enum.random(1..100) do
        k when k <= 30 ->
          "INSERT INTO #{table} VALUES (#{id}, 'new #{n}', #{big}) ON CONFLICT DO NOTHING"

        k when k <= 60 ->
          "UPDATE #{table} SET v = 'part #{n}' WHERE id = #{id}"

        k when k <= 75 ->
          "UPDATE #{table} SET v = 'whole #{n}', big = #{big} WHERE id = #{id}"

        k when k <= 85 ->
          "UPDATE #{table} SET id = id + 10000 WHERE id = #{id}"

        k when k <= 90 ->
          "SAVEPOINT s; DELETE FROM #{table} WHERE id < #{id}; ROLLBACK TO s"

        _ ->
          "DELETE FROM #{table} WHERE id = #{id}"
      end

    # Two rows may want one key.
    with {:error, _} <- Sql.query(conn, sql), do: Sql.query(conn, "ROLLBACK; BEGIN")
  end

  defp enough(task) do
    send(task.pid, :enough)
    Task.await(task, 60_000)
  end

  defp status(stream, id) do
    Enum.find_value(PgEtf.backfills(stream), &(&1.id == id && &1.status))
  end

  defp same?(context), do: Enum.all?(context.tables, &Mirror.same?(context.sandbox, &1))

  test "the first load under writers, and only once", %{sandbox: sandbox} = context do
    writer = writer(context)
    consumer = mirror(context, snapshot: :initial)
    eventually(fn -> status(consumer, "snapshot") == :finished end, 60_000)
    assert [%{mode: :exact, tables: 3, tables_done: 3, error: nil}] = PgEtf.backfills(consumer)
    assert enough(writer) > 10
    eventually(fn -> same?(context) end, 60_000)
    GenServer.stop(consumer)

    reads = Mirror.reads(sandbox)
    assert reads in 1000..(3 * (@rows + 1000))
    again = mirror(context, snapshot: :initial)
    eventually(fn -> status(again, "snapshot") == :finished end, 60_000)
    Sandbox.psql!(sandbox, "INSERT INTO #{hd(context.tables)} VALUES (-1, 'later', 'x')")
    eventually(fn -> same?(context) end, 60_000)
    assert Mirror.reads(sandbox) == reads
    GenServer.stop(again)
  end

  test "nothing is kept of a temporary slot", %{sandbox: sandbox} = context do
    for mode <- [:exact, :incremental], _again <- 1..2 do
      before = Mirror.reads(sandbox)
      consumer = mirror(context, create_slot: :temporary, snapshot: [mode: mode])
      eventually(fn -> status(consumer, "snapshot") == :finished end, 60_000)
      assert Mirror.reads(sandbox) - before == 3 * @rows
      assert kept(context) == "0"
      GenServer.stop(consumer)
    end
  end

  test "a BEAM that is killed in the middle", %{sandbox: sandbox} = context do
    writer = writer(context)
    opts = stream(context, snapshot: :initial, max_changes: 20)

    for round <- 1..3 do
      before = Mirror.reads(sandbox)
      node = Beam.start("backfill_#{round}")
      Beam.call(node, Mirror, :start, [opts[:connection], opts])
      eventually(fn -> Mirror.reads(sandbox) > before + 300 end, 60_000)
      Beam.kill(node)
    end

    consumer = mirror(context, snapshot: :initial)
    eventually(fn -> status(consumer, "snapshot") == :finished end, 120_000)
    enough(writer)
    eventually(fn -> same?(context) end, 60_000)
    GenServer.stop(consumer)
  end

  # Takes its time for rows that are read, as long as told so.
  defmodule Slow do
    use PgEtf.Consumer

    @impl true
    defdelegate init(connection), to: Mirror

    @impl true
    def handle_changes(changes, conn) do
      if :persistent_term.get(__MODULE__) and Enum.any?(changes, &(&1.op == :read)),
        do: Process.sleep(40)

      Mirror.handle_changes(changes, conn)
    end
  end

  # A table of large values is not read in halves, and no round is long enough for one.
  test "a first load that goes on in mode incremental", %{sandbox: sandbox} = context do
    :persistent_term.put(Slow, true)
    opts = stream(context, snapshot: [max_hold: 3_000, jobs: 1], max_changes: 10)
    {:ok, consumer} = PgEtf.Consumer.start_link(Slow, opts[:connection], opts)
    mode = fn -> match?([%{mode: :incremental}], PgEtf.backfills(consumer)) end
    eventually(mode, 120_000)
    assert status(consumer, "snapshot") == :running
    :persistent_term.put(Slow, false)
    before = Mirror.reads(sandbox)
    writer = writer(context)
    eventually(fn -> status(consumer, "snapshot") == :finished end, 120_000)
    assert Mirror.reads(sandbox) > before
    enough(writer)
    eventually(fn -> same?(context) end, 60_000)
    GenServer.stop(consumer)
  end

  test "a backfill while others write, with a rest in the middle",
       %{sandbox: sandbox} = context do
    create_slot(sandbox, context.slot)
    consumer = mirror(context, [])
    writer = writer(context)
    tables = for table <- context.tables, do: "public.#{table}"
    {:ok, id} = PgEtf.backfill(consumer, tables, chunk_bytes: 100_000)
    eventually(fn -> Mirror.reads(sandbox) > 100 end, 60_000)
    :ok = PgEtf.pause_backfill(consumer, id)
    assert status(consumer, id) == :paused
    :ok = PgEtf.resume_backfill(consumer, id)
    eventually(fn -> status(consumer, id) == :finished end, 120_000)
    assert enough(writer) > 10
    eventually(fn -> same?(context) end, 60_000)

    # Once more, of a part of it, and from the mirror the rest is not gone.
    {:ok, other} = PgEtf.backfill(consumer, hd(tables), where: "id <= 100")
    before = Mirror.reads(sandbox)
    eventually(fn -> status(consumer, other) == :finished end, 60_000)
    assert (Mirror.reads(sandbox) - before) in 1..100
    assert same?(context)

    # Nothing is kept of what has ended, so the same id begins anew.
    for mode <- [:exact, :incremental], command <- [:finished, :stopped] do
      before = Mirror.reads(sandbox)
      opts = [id: "again", mode: mode, where: "id <= 100"]
      {:ok, "again"} = PgEtf.backfill(consumer, hd(tables), opts)
      if command == :stopped, do: PgEtf.stop_backfill(consumer, "again")
      eventually(fn -> status(consumer, "again") == command end, 60_000)
      assert kept(context) == "0"
      if command == :finished, do: assert(Mirror.reads(sandbox) > before)
    end

    GenServer.stop(consumer)
  end

  defp kept(%{sandbox: sandbox, slot: slot}) do
    sql = "SELECT count(*) FROM etf_backfill WHERE slot = '#{slot}'"
    String.trim(Sandbox.psql!(sandbox, sql))
  end

  # Asked for once; the second node stands by already when the first one is killed. Positions
  # are stored, so what was handled does not come again.
  test "a backfill in a BEAM that is killed goes on, wherever the slot is read next",
       %{sandbox: sandbox} = context do
    create_slot(sandbox, context.slot)
    writer = writer(context)
    tables = for table <- context.tables, do: "public.#{table}"
    opts = stream(context, name: Mirror, max_transaction_changes: 20)
    [one, other] = for name <- ["one", "other"], do: Beam.start("incremental_#{name}")
    Beam.call(one, Mirror, :start, [opts[:connection], opts, Mirror.Placed])
    eventually(fn -> Beam.call(one, Mirror, :connected?, []) end)
    Beam.call(other, Mirror, :start, [opts[:connection], opts, Mirror.Placed])
    eventually(fn -> Beam.call(other, Mirror, :up?, []) end)
    request = [id: "b", chunk_bytes: 50_000]
    {:ok, "b"} = Beam.call(one, PgEtf, :backfill, [Mirror, tables, request])

    for node <- [one, other] do
      before = Mirror.reads(sandbox)
      eventually(fn -> Mirror.reads(sandbox) > before + 300 end, 60_000)
      Beam.kill(node)
    end

    consumer = mirror(context, [], Mirror.Placed)
    eventually(fn -> status(consumer, "b") == :finished end, 120_000)
    assert kept(context) == "0"
    enough(writer)
    eventually(fn -> same?(context) end, 60_000)
    GenServer.stop(consumer)
  end

  # Asked for once, killed thrice: a row that comes twice, or never, is seen.
  test "a sink that only appends has each row once", %{sandbox: sandbox} = context do
    create_slot(sandbox, context.slot)
    Sandbox.psql!(sandbox, "DROP SCHEMA IF EXISTS appended CASCADE; " <> Appender.ddl())
    count = fn -> sandbox |> Sandbox.psql!("SELECT count(*) FROM appended.rows") |> number() end
    tables = for table <- context.tables, do: "public.#{table}"
    opts = stream(context, [])

    for round <- 1..3 do
      before = count.()
      node = Beam.start("appends_#{round}")
      Beam.call(node, Appender, :start, [opts[:connection], opts])
      eventually(fn -> Beam.call(node, Appender, :up?, []) end)
      request = [Appender, tables, [id: "b", chunk_bytes: 30_000]]
      if round == 1, do: {:ok, "b"} = Beam.call(node, PgEtf, :backfill, request)
      eventually(fn -> count.() > before + 300 end, 60_000)
      Beam.kill(node)
    end

    assert count.() < 3 * @rows
    {:ok, consumer} = Appender.start_link(opts[:connection], opts)
    eventually(fn -> status(consumer, "b") == :finished end, 120_000)
    sql = "SELECT count(DISTINCT id) FROM appended.rows"
    assert {count.(), sandbox |> Sandbox.psql!(sql) |> number()} == {3 * @rows, @rows}
    assert Sandbox.psql!(sandbox, "SELECT count(*) FROM appended.kept") == "0\n"
    GenServer.stop(consumer)
  end

  defp number(text), do: text |> String.trim() |> String.to_integer()

  test "a backfill that is stopped does not come back", %{sandbox: sandbox} = context do
    create_slot(sandbox, context.slot)
    consumer = mirror(context, [])
    [table | _] = context.tables

    for mode <- [:exact, :incremental] do
      {:ok, id} = PgEtf.backfill(consumer, "public.#{table}", mode: mode)
      :ok = PgEtf.pause_backfill(consumer, id)
      eventually(fn -> kept(context) == "1" end)
      :ok = PgEtf.stop_backfill(consumer, id)
      eventually(fn -> status(consumer, id) == :stopped end)
      assert kept(context) == "0"
    end

    GenServer.stop(consumer)
  end

  test "one of the options goes on by itself", %{sandbox: sandbox} = context do
    create_slot(sandbox, context.slot)
    writer = writer(context)
    snapshot = [mode: :incremental, chunk_bytes: 50_000]
    opts = stream(context, max_changes: 20, snapshot: snapshot)

    for round <- 1..2 do
      before = Mirror.reads(sandbox)
      node = Beam.start("options_#{round}")
      Beam.call(node, Mirror, :start, [opts[:connection], opts])
      eventually(fn -> Mirror.reads(sandbox) > before + 300 end, 60_000)
      Beam.kill(node)
    end

    consumer = mirror(context, snapshot: snapshot)
    eventually(fn -> status(consumer, "snapshot") == :finished end, 120_000)
    enough(writer)
    eventually(fn -> same?(context) end, 60_000)
    GenServer.stop(consumer)
  end

  test "what cannot be read is told, and the stream goes on", %{sandbox: sandbox} = context do
    create_slot(sandbox, context.slot)
    [table | _] = context.tables
    Sandbox.psql!(sandbox, "REVOKE SELECT ON #{table} FROM sandbox")
    consumer = mirror(context, [])

    for mode <- [:exact, :incremental] do
      {:ok, id} = PgEtf.backfill(consumer, "public.#{table}", mode: mode)
      eventually(fn -> status(consumer, id) == :failed end, 60_000)
      error = Enum.find(PgEtf.backfills(consumer), &(&1.id == id)).error
      assert error.class in [:config, :auth]
      assert Exception.message(error) =~ "GRANT SELECT"
    end

    for mode <- [:exact, :incremental] do
      {:ok, id} = PgEtf.backfill(consumer, "public.nowhere", mode: mode)
      eventually(fn -> status(consumer, id) == :failed end, 60_000)
      error = Enum.find(PgEtf.backfills(consumer), &(&1.id == id)).error
      assert Exception.message(error) =~ "no such table in the stream: public.nowhere"
    end

    Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (-1, 'x', 'x')")
    count = "SELECT count(*) FROM mirror.#{table}"
    eventually(fn -> Sandbox.psql!(sandbox, count) == "1\n" end, 60_000)
    GenServer.stop(consumer)
  end
end
