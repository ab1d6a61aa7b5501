defmodule PgEtf.Integration.TraceTest do
  use PgEtf.Integration, async: true

  @trace "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

  for plugin <- ["pg_etf_decoding", "pgoutput"] do
    test "the trace of a transaction arrives, from #{plugin}", %{sandbox: sandbox} do
      {table, slot} = {name("t"), name("s")}
      Sandbox.psql!(sandbox, "CREATE TABLE #{table} (id int PRIMARY KEY)")
      Sandbox.psql!(sandbox, "CREATE PUBLICATION #{slot} FOR TABLE #{table}")
      create = "SELECT pg_create_logical_replication_slot('#{slot}', '#{unquote(plugin)}')"
      Sandbox.psql!(sandbox, create)

      for {id, content} <- [{1, @trace}, {2, "nonsense"}, {3, nil}] do
        message = content && "SELECT pg_logical_emit_message(true, 'traceparent', '#{content}');"
        Sandbox.psql!(sandbox, "BEGIN; #{message} INSERT INTO #{table} VALUES (#{id}); COMMIT")
      end

      {:ok, _} = consume(sandbox, slot, traceparent: true, publications: [slot])

      assert for(change <- changes(3), do: {change.record["id"], change.headers}) ==
               [{1, [{"traceparent", @trace}]}, {2, []}, {3, []}]
    end
  end
end
