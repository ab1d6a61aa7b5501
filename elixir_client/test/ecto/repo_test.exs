if Code.ensure_loaded?(Ecto.Adapters.Postgres) and Code.ensure_loaded?(Postgrex) do
  Postgrex.Types.define(PgEtf.RepoTypes, Ecto.Adapters.Postgres.extensions(), json: PgEtf.Json)

  defmodule PgEtf.TestRepo do
    use Ecto.Repo, otp_app: :pg_etf, adapter: Ecto.Adapters.Postgres
  end

  defmodule PgEtf.Integration.RepoTest do
    # What a Repo wrote arrives as what the Repo reads.
    use PgEtf.Integration, async: false

    alias PgEtf.{Consumer, Shop, TestRepo}
    alias PgEtf.Shop.{Customer, Order}

    setup_all %{sandbox: sandbox} do
      {:ok, _} = Application.ensure_all_started(:ecto_sql)
      {:ok, _} = Application.ensure_all_started(:postgrex)
      config = Sandbox.connection(sandbox) ++ [types: PgEtf.RepoTypes, pool_size: 2, log: false]
      Application.put_env(:pg_etf, TestRepo, config)
      start_supervised!(TestRepo)
      Sandbox.psql!(sandbox, Shop.sql())
      on_exit(fn -> Application.delete_env(:pg_etf, TestRepo) end)
    end

    defp forward(sandbox, more) do
      slot = name("s")
      create_slot(sandbox, slot)
      start_supervised!(%{id: slot, start: {__MODULE__, :start, [self(), slot, more]}})
    end

    def start(test, slot, more) do
      opts = [connection: TestRepo, slot: slot] ++ more
      Consumer.start_link(PgEtf.Integration.Collector, %{test: test}, opts)
    end

    test "a Repo is a connection, and its rows are its structs", %{sandbox: sandbox} do
      forward(sandbox, into: [Order, Customer])
      customer = TestRepo.insert!(%Customer{name: "Ann"})
      order = TestRepo.insert!(Shop.order(customer_id: customer.id))
      empty = TestRepo.insert!(%Order{})
      {:ok, paid} = order |> Ecto.Changeset.change(state: :new, total: nil) |> TestRepo.update()
      [a, b, c, d] = changes(4)
      assert a.record == TestRepo.get!(Customer, customer.id)
      assert d.record == TestRepo.get!(Order, paid.id)

      assert b.record == %{
               d.record
               | state: :paid,
                 total: order.total,
                 updated_at: b.record.updated_at
             }

      assert c.record == TestRepo.get!(Order, empty.id)
      TestRepo.delete!(empty)
      [e] = changes(1)
      assert %Order{id: id} = PgEtf.Ecto.load(e, Order)
      assert id == empty.id
    end

    test "what a test builds from a struct is what arrives", %{sandbox: sandbox} do
      forward(sandbox, [])
      order = TestRepo.insert!(Shop.order())
      [change] = changes(1)

      assert Map.delete(PgEtf.Ecto.dump(order), "inserted_at") |> Map.delete("updated_at") ==
               Map.drop(change.record, ["inserted_at", "updated_at"])

      assert PgEtf.Ecto.load(change, Order) == TestRepo.get!(Order, order.id)
    end

    test "its configuration is one, too", %{sandbox: sandbox} do
      opts = [connection: TestRepo.config(), slot: name("s"), create_slot: :temporary]
      {:ok, consumer} = Consumer.start_link(PgEtf.Integration.Collector, %{test: self()}, opts)
      eventually(fn -> PgEtf.info(consumer).status == :connected end)
      assert Sandbox.connection(sandbox)[:username] == TestRepo.config()[:username]
    end
  end
end
