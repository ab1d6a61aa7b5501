defmodule PgEtf.Integration do
  @moduledoc false
  # What tests against the real program and a real server share: a server for the
  # module, and words for what is done to it. They run where both are there, and
  # say so where they are not.

  use ExUnit.CaseTemplate

  import PgEtf.Eventually

  alias PgEtf.{Client, Consumer, Sandbox}

  using do
    quote do
      import PgEtf.Eventually
      import PgEtf.Integration

      alias PgEtf.Sandbox

      @moduletag :integration
      @moduletag :capture_log
      # Servers start here, and the machine may be busy.
      @moduletag timeout: 180_000
    end
  end

  setup_all do
    %{sandbox: start_supervised!(Sandbox)}
  end

  # A stream that ends is told to its test, and does not end it.
  setup do
    Process.flag(:trap_exit, true)
    :ok
  end

  def available? do
    match?({:ok, _}, Client.Port.find()) and Sandbox.available?()
  end

  defmodule Collector do
    @moduledoc false
    # Sends all it gets to the test; sleeps when told to.
    @behaviour Consumer

    @impl true
    def handle_changes(changes, %{test: test} = state) do
      Process.sleep(Map.get(state, :sleep, 0))
      for change <- changes, do: send(test, {:change, change})
      {:ok, state}
    end

    @impl true
    def handle_stop(reason, %{test: test}), do: send(test, {:stopped, reason})
  end

  def name(prefix), do: "#{prefix}_#{System.unique_integer([:positive])}"

  def options(sandbox, slot, more \\ []) do
    Keyword.merge(
      [connection: Sandbox.connection(sandbox), slot: slot, backoff_min: 10, backoff_max: 200],
      more
    )
  end

  @doc "A table and a slot that begins before its first row."
  def prepare(sandbox, columns) do
    table = name("t")
    slot = name("s")
    Sandbox.psql!(sandbox, "CREATE TABLE #{table} (#{columns})")
    create_slot(sandbox, slot)
    {table, slot}
  end

  def create_slot(sandbox, slot) do
    Sandbox.psql!(
      sandbox,
      "SELECT pg_create_logical_replication_slot('#{slot}', 'pg_etf_decoding')"
    )
  end

  # Another extension, which is there, takes the name: what is in it is looked for.
  @as_extension """
  SET allow_system_table_mods = on;
  UPDATE pg_extension SET extname = 'pg_etf_decoding' WHERE extname = 'plpgsql';
  ALTER EXTENSION pg_etf_decoding ADD FUNCTION etf_read;
  ALTER EXTENSION pg_etf_decoding ADD TABLE etf_backfill;
  """

  @doc "CREATE EXTENSION, on a server in which it is not installed."
  def create_extension(sandbox) do
    for script <- ["1.0", "1.0--1.1"] do
      sql =
        "../sql/pg_etf_decoding--#{script}.sql"
        |> File.read!()
        |> String.replace(~r/^\\echo.*$/m, "")
        |> String.replace("MODULE_PATHNAME", "pg_etf_decoding")

      Sandbox.psql!(sandbox, sql, username: "postgres")
    end

    Sandbox.psql!(sandbox, @as_extension, username: "postgres")
  end

  def consume(sandbox, slot, more \\ []) do
    {state, more} = Keyword.pop(more, :state, %{})
    opts = options(sandbox, slot, Keyword.put_new(more, :on_error, :stop))
    Consumer.start_link(Collector, Map.put(state, :test, self()), opts)
  end

  def changes(count, timeout \\ 15_000) do
    for _ <- 1..count//1 do
      assert_receive {:change, change}, timeout
      change
    end
  end

  def confirmed(sandbox, slot) do
    sql = "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '#{slot}'"
    {:ok, lsn} = sandbox |> Sandbox.psql!(sql) |> String.trim() |> PgEtf.Lsn.parse()
    lsn
  end

  def current(sandbox) do
    {:ok, lsn} =
      sandbox
      |> Sandbox.psql!("SELECT pg_current_wal_lsn()")
      |> String.trim()
      |> PgEtf.Lsn.parse()

    lsn
  end

  @doc """
  Writes ids from 1 on, in small transactions and now and then a large one, and
  goes on when the server is away for a moment.
  """
  def write(sandbox, table, count) do
    Task.async(fn -> write(sandbox, table, 1, count) end)
  end

  defp write(_sandbox, _table, id, count) when id > count, do: :ok

  defp write(sandbox, table, id, count) do
    size = min(Enum.random([1, 5, 20, 300]), count - id + 1)

    sql = """
    INSERT INTO #{table} SELECT generate_series(#{id}, #{id + size - 1}) ON CONFLICT DO NOTHING
    """

    try do
      Sandbox.psql!(sandbox, sql)
      write(sandbox, table, id + size, count)
    rescue
      RuntimeError ->
        Process.sleep(50)
        write(sandbox, table, id, count)
    end
  end

  @doc """
  Reads changes until so many ids have come. After every so many of them there is a
  fault: what comes again after it was not confirmed before it, and is the same change.
  """
  def read_all(sandbox, slot, count, every, fault) do
    start = confirmed(sandbox, slot)

    break = fn state ->
      # Without a confirmed position there would be nothing to hold it against.
      eventually(fn -> confirmed(sandbox, slot) > start end)
      low = confirmed(sandbox, slot)
      # All that was delivered before is here by now.
      state = delivered(state)
      fault.()
      %{state | low: low, next: map_size(state.seen) + every}
    end

    read(%{seen: %{}, low: start, next: every}, count, break)
  end

  defp read(%{seen: seen} = state, count, break) do
    cond do
      map_size(seen) == count ->
        :ok

      map_size(seen) >= state.next ->
        state |> break.() |> read(count, break)

      true ->
        assert_receive {:change, change}, 20_000
        state |> remember(change) |> read(count, break)
    end
  end

  defp delivered(state) do
    receive do
      {:change, change} -> delivered(remember(state, change))
    after
      0 -> state
    end
  end

  defp remember(%{seen: seen, low: low} = state, %{record: %{"id" => id}} = change) do
    place = {change.commit_lsn, change.index}

    if is_map_key(seen, id) do
      assert seen[id] == place
      assert change.end_lsn > low, "confirmed, and comes again"
    end

    %{state | seen: Map.put(seen, id, place)}
  end

  @doc "Writes rows with these ids, each in its own transaction; at full speed."
  def one_by_one(sandbox, table, first..last//_) do
    Sandbox.psql!(sandbox, """
    SET synchronous_commit = off;
    DO $$ BEGIN
      FOR i IN #{first}..#{last} LOOP
        INSERT INTO #{table} (id) VALUES (i);
        COMMIT;
      END LOOP;
    END $$;
    """)
  end

  def terminate_walsender(sandbox) do
    Sandbox.psql!(sandbox, """
    SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active
    """)
  end

  @doc "Whether nothing waits for an acknowledgement; a stream may be starting again."
  def idle?(server) do
    PgEtf.info(server).in_flight == 0
  rescue
    ArgumentError -> false
  end
end
