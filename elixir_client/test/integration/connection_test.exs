defmodule PgEtf.Integration.ConnectionTest do
  # Connections in the forms that people have, and passwords that change.
  use PgEtf.Integration, async: true

  defp ready(sandbox) do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY")
    {table, slot, Map.new(Sandbox.connection(sandbox))}
  end

  test "a URL, a repository's configuration, Erlang's text", %{sandbox: sandbox} do
    {table, slot, place} = ready(sandbox)
    host = URI.encode(place.socket_dir, &URI.char_unreserved?/1)
    url = "ecto://#{place.username}@#{host}/#{place.database}?pool_size=3"

    repo = [
      telemetry_prefix: [:shop, :repo],
      otp_app: :shop,
      pool_size: 10,
      socket_dir: place.socket_dir,
      username: place.username,
      database: place.database,
      parameters: [application_name: "the shop", work_mem: "2 MB"]
    ]

    erlang = for {key, value} <- place, do: {key, String.to_charlist(value)}

    for {connection, id} <- Enum.with_index([url, [url: url, pool_size: 3], repo, erlang]) do
      {:ok, consumer} = consume(sandbox, slot, connection: connection)
      Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (#{id})")
      assert [%{record: %{"id" => ^id}}] = changes(1)

      if connection == repo do
        sql = "SELECT application_name FROM pg_stat_replication"
        assert Sandbox.psql!(sandbox, sql, username: "postgres") =~ "the shop"
      end

      GenServer.stop(consumer)
    end
  end

  test "a password that changes while the stream runs", %{sandbox: sandbox} do
    {table, slot, place} = ready(sandbox)
    role = name("rotating")
    sql = fn text -> Sandbox.psql!(sandbox, text, username: "postgres") end
    # PostgreSQL 13 would hash passwords in another way.
    sql.("ALTER DATABASE sandbox SET password_encryption = 'scram-sha-256'")
    sql.("CREATE ROLE #{role} LOGIN REPLICATION PASSWORD 'first'")
    hba = Path.join([Sandbox.info(sandbox).dir, "data", "pg_hba.conf"])

    rules = for db <- ["all", "replication"], do: "local #{db} #{role} scram-sha-256\n"

    File.write!(hba, [rules, File.read!(hba)])
    sql.("SELECT pg_reload_conf()")
    lose = fn -> sql.("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots") end
    {:ok, password} = Agent.start_link(fn -> "first" end)
    asked = :counters.new(1, [])

    connection = fn ->
      :counters.add(asked, 1, 1)
      Map.to_list(%{place | username: role}) ++ [password: Agent.get(password, & &1)]
    end

    {:ok, consumer} = consume(sandbox, slot, connection: connection, on_error: :halt)
    sql.("INSERT INTO #{table} VALUES (1)")
    assert [%{record: %{"id" => 1}}] = changes(1)

    # A connection that is only lost is made again with what is known.
    lose.()
    sql.("INSERT INTO #{table} VALUES (2)")
    assert [%{record: %{"id" => 2}}] = changes(1)
    assert :counters.get(asked, 1) == 1

    sql.("ALTER ROLE #{role} PASSWORD 'second'")
    Agent.update(password, fn _ -> "second" end)
    lose.()
    # A new program: what was not confirmed comes again.
    sql.("INSERT INTO #{table} VALUES (3)")
    assert_receive {:change, %{record: %{"id" => 3}}}, 15_000
    assert :counters.get(asked, 1) == 2
    assert %{status: :connected, error: nil} = PgEtf.info(consumer)

    # Nobody has told the function, for a while and then for good.
    sql.("ALTER ROLE #{role} PASSWORD 'late'")
    lose.()
    eventually(fn -> :counters.get(asked, 1) >= 4 end)
    Agent.update(password, fn _ -> "late" end)
    eventually(fn -> PgEtf.info(consumer).status == :connected end)
    sql.("ALTER ROLE #{role} PASSWORD 'third'")
    lose.()
    eventually(fn -> PgEtf.info(consumer).status == :halted end)
    assert %PgEtf.Error{class: :auth} = PgEtf.info(consumer).error
    Agent.update(password, fn _ -> "third" end)
    PgEtf.resume(consumer)
    sql.("INSERT INTO #{table} VALUES (4)")
    assert_receive {:change, %{record: %{"id" => 4}}}, 15_000
    GenServer.stop(consumer)
  end
end
