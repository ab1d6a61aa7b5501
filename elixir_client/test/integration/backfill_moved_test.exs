defmodule PgEtf.Integration.BackfillMovedTest do
  # Rows that move to another key before a backfill goes on knows what it has read.
  use PgEtf.Integration, async: true

  alias PgEtf.{Beam, Mirror, Sql}

  @rows 2_000

  setup_all %{sandbox: sandbox} do
    create_extension(sandbox)
    :ok
  end

  setup %{sandbox: sandbox} do
    table = name("t")
    Mirror.create!(sandbox, [table], @rows)
    %{table: table, slot: name("s"), sandbox: sandbox}
  end

  defp stream(context, more) do
    fixed = [tables: ["public.#{context.table}"], create_slot: true]
    options(context.sandbox, context.slot, fixed ++ more)
  end

  defp mirror(context, module) do
    opts = stream(context, [])
    {:ok, consumer} = PgEtf.Consumer.start_link(module, opts[:connection], opts)
    consumer
  end

  defp status(stream, id) do
    Enum.find_value(PgEtf.backfills(stream), &(&1.id == id && &1.status))
  end

  # A node that has read some of a table, and is gone.
  defp half_read(%{sandbox: sandbox, table: table} = context, module) do
    node = node(context, module)
    request = [id: "b", chunk_bytes: 50_000]
    {:ok, "b"} = Beam.call(node, PgEtf, :backfill, [Mirror, "public.#{table}", request])
    eventually(fn -> Mirror.reads(sandbox) > 300 end, 60_000)
    Beam.kill(node)
  end

  defp node(context, module) do
    most = if module == Mirror, do: :max_changes, else: :max_transaction_changes
    opts = stream(context, [{most, 20}, name: Mirror])
    node = Beam.start("moves")
    Beam.call(node, Mirror, :start, [opts[:connection], opts, module])
    eventually(fn -> Beam.call(node, Mirror, :connected?, []) end)
    node
  end

  # What is done cannot be loaded meanwhile, nor kept.
  defp lock(sandbox) do
    lock = Sql.connect!(Sandbox.connection(sandbox))
    {:ok, _} = Sql.query(lock, "BEGIN; LOCK TABLE etf_backfill")
    lock
  end

  # Nobody but a backfill has the large values of what moves.
  defp move(sandbox, table) do
    Sandbox.psql!(sandbox, "UPDATE #{table} SET id = -id WHERE id > #{@rows - 50}")
    Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (100000, 'last', 'x')")
  end

  defp moved?(sandbox, table) do
    Sandbox.psql!(sandbox, "SELECT count(*) FROM mirror.#{table} WHERE id = 100000") == "1\n"
  end

  test "rows that move before a backfill goes on", %{sandbox: sandbox, table: table} = context do
    create_slot(sandbox, context.slot)
    half_read(context, Mirror)
    lock = lock(sandbox)
    consumer = mirror(context, Mirror)
    move(sandbox, table)
    eventually(fn -> moved?(sandbox, table) end, 60_000)
    {:ok, _} = Sql.query(lock, "COMMIT")
    eventually(fn -> status(consumer, "b") == :finished end, 120_000)
    eventually(fn -> Mirror.same?(sandbox, table) end, 30_000)
    GenServer.stop(consumer)
  end

  # A position that is stored before their keys are kept would skip them for ever.
  test "rows that move where positions are stored", %{sandbox: sandbox, table: table} = context do
    create_slot(sandbox, context.slot)
    half_read(context, Mirror.Placed)
    lock = lock(sandbox)
    node = node(context, Mirror.Placed)
    move(sandbox, table)
    progress = fn -> Beam.call(node, PgEtf, :info, [Mirror]).progress end
    eventually(fn -> progress.() == :waiting_for_backfill end)
    refute moved?(sandbox, table)
    Beam.kill(node)
    {:ok, _} = Sql.query(lock, "COMMIT")
    consumer = mirror(context, Mirror.Placed)
    eventually(fn -> status(consumer, "b") == :finished end, 120_000)
    eventually(fn -> moved?(sandbox, table) and Mirror.same?(sandbox, table) end, 30_000)
    GenServer.stop(consumer)
  end
end
