defmodule PgEtf.Integration.ForwardTest do
  use PgEtf.Integration, async: true

  import PgEtf.Testing

  test "what is committed arrives at the test, and leaves nothing", %{sandbox: sandbox} do
    table = name("t")
    Sandbox.psql!(sandbox, "CREATE TABLE #{table} (id int PRIMARY KEY)")
    connection = Sandbox.connection(sandbox)
    consumer = forward(connection: connection, tables: ["public.#{table}"])
    Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (1); DELETE FROM #{table}")
    assert_change([op: :delete, table: ^table, key: %{"id" => 1}], 30_000)
    assert_change([op: :insert, record: %{"id" => 1}], 0)
    GenServer.stop(consumer)
    sql = "SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE 'pg_etf_test%'"
    eventually(fn -> Sandbox.psql!(sandbox, sql) == "0\n" end)
  end
end
