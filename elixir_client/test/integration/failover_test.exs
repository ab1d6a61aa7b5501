defmodule PgEtf.Integration.FailoverTest do
  # A primary dies and its standby is promoted: with a slot that follows, which there
  # is since PostgreSQL 17, the stream goes on there.
  use PgEtf.Integration, async: true

  alias PgEtf.Standby

  defp start_standby(sandbox) do
    standby = Standby.start(sandbox, "sync_replication_slots = on")

    # Not before it is copied: once promoted, the standby has nobody to wait for.
    Standby.superuser(sandbox, """
    ALTER SYSTEM SET synchronized_standby_slots = standby;
    SELECT pg_reload_conf();
    """)

    standby
  end

  defp on_standby(sandbox, standby, sql), do: Standby.psql!(sandbox, standby, sql)

  defp ids(sandbox, standby, table) do
    sandbox
    |> on_standby(standby, "SELECT id FROM #{table} ORDER BY id")
    |> String.split()
    |> Enum.map(&String.to_integer/1)
  end

  for {plugin, opts} <- [
        pg_etf_decoding: [],
        pgoutput: [plugin: :pgoutput, publications: ["everything"]]
      ] do
    test "the stream goes on at the promoted standby, of #{plugin}" do
      # Each ends a primary.
      sandbox = start_supervised!(Sandbox)

      if Sandbox.info(sandbox).version >= 170_000 do
        Standby.superuser(sandbox, "CREATE PUBLICATION everything FOR ALL TABLES")
        goes_on(sandbox, start_standby(sandbox), unquote(opts))
      else
        IO.puts("Before PostgreSQL 17 no slot follows a failover")
      end
    end
  end

  defp goes_on(sandbox, standby, more) do
    %{dir: primary} = Sandbox.info(sandbox)
    {table, slot} = {name("t"), name("s")}
    Sandbox.psql!(sandbox, "CREATE TABLE #{table} (id int PRIMARY KEY)")
    hosts = [hostname: "#{primary},#{standby.dir}", target_session_attrs: "read-write"]
    connection = sandbox |> Sandbox.connection() |> Keyword.delete(:socket_dir)
    opts = [connection: hosts ++ connection, create_slot: true, failover: true] ++ more
    {:ok, consumer} = consume(sandbox, slot, opts)
    eventually(fn -> PgEtf.info(consumer).status == :connected end)

    synchronized = "SELECT count(*) FROM pg_replication_slots WHERE synced AND NOT temporary"
    eventually(fn -> on_standby(sandbox, standby, synchronized) =~ "1" end, 60_000)
    Sandbox.psql!(sandbox, "INSERT INTO #{table} SELECT generate_series(1, 1000)")
    before = changes(1000)

    # The program dies, too: what it knew of the cluster its successor is told.
    %{session: %{conn: %{os_pid: program}}} = :sys.get_state(consumer)
    [postmaster | _] = File.read!("#{primary}/data/postmaster.pid") |> String.split("\n")
    System.cmd("sh", ["-c", "kill -QUIT #{postmaster}; kill -KILL #{program}"])
    eventually(fn -> not File.exists?("/proc/#{postmaster}") end)
    assert {_, 0} = Standby.pg_ctl(standby, ["promote"])
    on_standby(sandbox, standby, "INSERT INTO #{table} SELECT generate_series(1001, 1010)")

    expected = ids(sandbox, standby, table)
    assert List.last(expected) == 1010
    seen = received(expected, MapSet.new(before, & &1.record["id"]))
    assert Enum.sort(seen) == expected
    eventually(fn -> PgEtf.info(consumer).status == :connected end)
    assert %{origin: %{timeline: 2}} = :sys.get_state(consumer).session
    GenServer.stop(consumer)
  end

  # Rows that were not confirmed come again.
  defp received(expected, seen) do
    if Enum.all?(expected, &(&1 in seen)) do
      seen
    else
      [change] = changes(1)
      received(expected, MapSet.put(seen, change.record["id"]))
    end
  end
end
