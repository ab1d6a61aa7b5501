if Code.ensure_loaded?(Ecto.Adapters.Postgres) and Code.ensure_loaded?(Postgrex) do
  defmodule PgEtf.OutboxRepo do
    use Ecto.Repo, otp_app: :pg_etf, adapter: Ecto.Adapters.Postgres
  end

  defmodule PgEtf.Integration.OutboxTest do
    use PgEtf.Integration, async: false

    alias PgEtf.{Outbox, OutboxRepo}
    alias PgEtf.Outbox.Event

    @trace "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    # A queue in the database, in which a job is unique by the place of its event.
    defmodule Jobs do
      use Outbox, connection: OutboxRepo, traceparent: true

      @impl true
      def handle_event(%Event{topic: "mail." <> _} = event, test) do
        sql = "INSERT INTO jobs (event, args) VALUES ($1, $2) ON CONFLICT DO NOTHING"
        {:ok, _} = OutboxRepo.query(sql, [event.id, inspect(event.payload)])
        send(test, {:event, event})
        {:ok, test}
      end
    end

    setup_all %{sandbox: sandbox} do
      {:ok, _} = Application.ensure_all_started(:ecto_sql)
      {:ok, _} = Application.ensure_all_started(:postgrex)
      config = Sandbox.connection(sandbox) ++ [pool_size: 2, log: false]
      Application.put_env(:pg_etf, OutboxRepo, config)
      start_supervised!(OutboxRepo)
      Sandbox.psql!(sandbox, "CREATE TABLE jobs (event text PRIMARY KEY, args text)")
      on_exit(fn -> Application.delete_env(:pg_etf, OutboxRepo) end)
    end

    test "events of committed transactions become jobs, once", %{sandbox: sandbox} do
      slot = name("outbox")
      create_slot(sandbox, slot)
      copied = name("copied")

      OutboxRepo.transaction(fn ->
        Outbox.put_trace(OutboxRepo, [{"traceparent", @trace}])
        Outbox.emit(OutboxRepo, "mail.paid", %{id: 1})
        Outbox.emit(OutboxRepo, "other", :nothing)
      end)

      OutboxRepo.transaction(fn ->
        Outbox.emit(OutboxRepo, "mail.paid", %{id: 2})
        OutboxRepo.rollback(:no)
      end)

      OutboxRepo.transaction(fn -> Outbox.emit(OutboxRepo, "mail.sent", [3]) end)
      assert_raise ArgumentError, ~r/there is none/, fn -> Outbox.emit(OutboxRepo, "t", 1) end
      copy = "SELECT pg_copy_logical_replication_slot('#{slot}', '#{copied}')"
      Sandbox.psql!(sandbox, copy)

      # The same events come again, as after a crash.
      events =
        for slot <- [slot, copied] do
          start_supervised!({Jobs, id: slot, arg: self(), slot: slot, topics: ["mail.*"]})
          assert_receive {:event, %{payload: %{id: 1}} = first}, 30_000
          assert_receive {:event, %{payload: [3]} = second}, 30_000
          stop_supervised!(slot)
          [first, second]
        end

      assert [[first, second], [first, second]] = events
      assert first.change.headers == [{"traceparent", @trace}]
      assert second.change.headers == []
      jobs = Sandbox.psql!(sandbox, "SELECT event, args FROM jobs ORDER BY args")
      assert jobs == "#{first.id}|%{id: 1}\n#{second.id}|[3]\n"
    end
  end
end
