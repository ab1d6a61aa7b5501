defmodule PgEtf.Integration.BackfillLockedTest do
  # A sink that hangs while nobody knows which backfills have not ended, since their table is
  # locked.
  use PgEtf.Integration, async: true

  import ExUnit.CaptureLog

  alias PgEtf.Sql

  @moved "UPDATE %t SET id = -id WHERE id = 5"
  @window 1_000_000

  # Hangs in what it gets first, until it is told to go on.
  defmodule Hangs do
    use PgEtf.Consumer

    @impl true
    def handle_changes(changes, {test, :hangs}) do
      send(test, :hangs)

      receive do
        :go_on -> handle_changes(changes, test)
      end
    end

    def handle_changes(changes, test) do
      send(test, {:got, for(%{record: %{"id" => id}} <- changes, do: id)})
      {:ok, test}
    end
  end

  setup_all %{sandbox: sandbox} do
    create_extension(sandbox)
    :ok
  end

  setup %{sandbox: sandbox} do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY, v text, big text")

    Sandbox.psql!(sandbox, """
    ALTER TABLE #{table} ALTER big SET STORAGE EXTERNAL;
    INSERT INTO #{table} SELECT i, 'old', repeat('x', 5000) FROM generate_series(1, 100) i
    """)

    %{table: table, slot: slot, sandbox: sandbox}
  end

  defp start(context, arg) do
    more = [tables: ["public.#{context.table}"], stats_interval: 200, window_bytes: @window]

    {:ok, consumer} =
      PgEtf.Consumer.start_link(Hangs, arg, options(context.sandbox, context.slot, more))

    eventually(fn -> PgEtf.info(consumer).status == :connected end)
    consumer
  end

  # Of an earlier life, which has not begun to read.
  defp asked(%{table: table, sandbox: sandbox} = context) do
    consumer = start(context, self())
    {:ok, "b"} = PgEtf.backfill(consumer, "public.#{table}", id: "b")
    :ok = PgEtf.pause_backfill(consumer, "b")
    sql = "SELECT count(*) FROM etf_backfill WHERE slot = '#{context.slot}'"
    eventually(fn -> Sandbox.psql!(sandbox, sql) == "1\n" end)
    GenServer.stop(consumer)
    eventually(fn -> slot(context, "active") == "f" end)
  end

  defp slot(context, what) do
    sql = "SELECT #{what} FROM pg_replication_slots WHERE slot_name = '#{context.slot}'"
    String.trim(Sandbox.psql!(context.sandbox, sql))
  end

  defp get(id) do
    receive do
      {:got, ids} -> if id in ids, do: :ok, else: get(id)
    after
      60_000 -> flunk("#{id} did not come")
    end
  end

  defp held(consumer) do
    {:message_queue_len, messages} = Process.info(consumer, :message_queue_len)
    {:binary, binaries} = Process.info(consumer, :binary)
    {messages, Enum.sum(for {_, bytes, _} <- Enum.uniq_by(binaries, &elem(&1, 0)), do: bytes)}
  end

  test "the stream goes on, and it is told", %{table: table, sandbox: sandbox} = context do
    asked(context)
    lock = Sql.connect!(Sandbox.connection(sandbox))
    {:ok, _} = Sql.query(lock, "BEGIN; LOCK TABLE etf_backfill")
    consumer = start(context, {self(), :hangs})
    reader = slot(context, "active_pid")

    log =
      capture_log(fn ->
        Sandbox.psql!(sandbox, String.replace(@moved, "%t", table))

        Sandbox.psql!(
          sandbox,
          "INSERT INTO #{table} SELECT i, 'new', repeat('y', 2000) FROM generate_series(1001, 6000) i"
        )

        assert_receive :hangs, 10_000
        Process.sleep(6_000)
        {messages, bytes} = held(consumer)
        assert messages < 1_000 and bytes < 8 * @window
        assert slot(context, "active_pid") == reader

        send(consumer, :go_on)
        get(6000)
        eventually(fn -> PgEtf.info(consumer).client.lag_bytes > 5_000_000 end)
        eventually(fn -> PgEtf.info(consumer).client.retained_bytes > 5_000_000 end, 30_000)
        assert slot(context, "active_pid") == reader
        Process.sleep(3_000)
      end)

    # What is logged meanwhile is of all tests.
    ours = for line <- String.split(log, "\n"), line =~ "slot #{context.slot})", do: line
    assert [told] = Enum.filter(ours, &(&1 =~ "which backfills have not ended"))
    assert told =~ "etf_backfill"

    {:ok, _} = Sql.query(lock, "COMMIT")
    eventually(fn -> [:finished] == for(b <- PgEtf.backfills(consumer), do: b.status) end, 60_000)
    eventually(fn -> PgEtf.info(consumer).client.lag_bytes < 100_000 end)
    GenServer.stop(consumer)
  end
end
