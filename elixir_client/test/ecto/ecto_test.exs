if Code.ensure_loaded?(Ecto.Schema) do
  defmodule PgEtf.EctoTest do
    use ExUnit.Case, async: true

    import ExUnit.CaptureLog
    import PgEtf.Eventually

    alias PgEtf.{Change, Consumer, FakeSlot, Options, Shop, Testing}
    alias PgEtf.Ecto.LoadError
    alias PgEtf.Shop.{Customer, Item, Order}

    defmodule Row do
      use Ecto.Schema

      schema "t" do
        field(:x, :string, default: "d")
      end
    end

    defmodule Wrong do
      use Ecto.Schema

      schema "t" do
        field(:x, :date, source: :id)
      end
    end

    defmodule Raising do
      use Ecto.Schema

      schema "t" do
        field(:x, PgEtf.Shop.Picky)
      end
    end

    defmodule Rows do
      use Consumer

      @impl true
      def handle_changes(changes, test) do
        for change <- changes, do: send(test, {:row, change.record})
        {:ok, test}
      end
    end

    defp loaded(struct), do: Ecto.put_meta(struct, state: :loaded)

    test "what is dumped as a stream has it is loaded as it was" do
      order = Shop.order()
      row = PgEtf.Ecto.dump(order)
      assert %{"status" => "paid", "kinds" => [1, 2], "code" => "abc"} = row
      assert row["id"] == order.id and row["token"] == order.token
      assert %{"name" => "pen", "price" => "1.50", "on" => "2026-11-01"} = row["first"]
      refute Map.has_key?(row, "guess")
      change = Testing.insert("orders", row)
      assert PgEtf.Ecto.load(change, Order) == loaded(order)
      assert %Ecto.Association.NotLoaded{} = PgEtf.Ecto.load(change, Order).customer
    end

    test "a struct is a row of its table for builders" do
      order = Shop.order()
      change = Testing.insert(order)

      assert {change.schema, change.table, change.key} ==
               {"public", "orders", %{"id" => order.id}}

      assert PgEtf.Ecto.load(change, Order) == loaded(order)
      update = Testing.update(order, %{order | state: :new})
      assert %{record: %{"status" => "new"}, old_record: nil, op: :update} = update
      assert %{old_record: %{"id" => _} = key, key: key} = Testing.delete(order, xid: 5)
      assert Testing.insert(%Row{id: 1}, schema: "s").schema == "s"
    end

    test "a schema names a topic" do
      assert PgEtf.PubSub.topic(Order) == "pg_etf:public.orders"
      assert PgEtf.PubSub.topic(Order, "x") == "pg_etf:public.orders:x"
    end

    test "a consumer is given structs where it would get them" do
      consumer =
        start_supervised!(
          {Rows, arg: self(), connection: [], slot: "s", testing: :manual, into: [Row]}
        )

      assert :ok = Testing.deliver(consumer, Testing.insert(%Row{id: 1}))
      assert_received {:row, %Row{id: 1, x: "d"}}
    end

    test "names may be atoms, and columns may be missing" do
      change = Testing.insert("t", %{id: 1})
      assert PgEtf.Ecto.load(change, Row) == loaded(%Row{id: 1, x: "d"})
    end

    test "the old row of a delete, and nothing where there is none" do
      change = Testing.delete("t", %{"id" => 1})
      assert %Row{id: 1, __meta__: %{state: :deleted}} = PgEtf.Ecto.load(change, Row)
      assert PgEtf.Ecto.load(Testing.truncate("t"), Row) == nil
    end

    test "a table of another schema has it as prefix" do
      change = Testing.insert("t", %{"id" => 1}, schema: "tenant")
      assert PgEtf.Ecto.load(change, Row).__meta__.prefix == "tenant"
      assert PgEtf.Ecto.load(Testing.insert("t", %{}), Row).__meta__.prefix == nil
    end

    test "an embedded schema is one, too" do
      change = Testing.insert("items", %{"name" => "a", "price" => Decimal.new(1)})
      assert PgEtf.Ecto.load(change, Item) == %Item{name: "a", price: Decimal.new(1)}
    end

    test "what does not fit is named, without its value" do
      change = Testing.insert("t", %{"id" => "secret"})
      error = assert_raise LoadError, fn -> PgEtf.Ecto.load(change, Row) end
      assert Exception.message(error) =~ "Row: field id has a value that is no :id"
      refute Exception.message(error) =~ "secret"
      # A marker is no value.
      change = Testing.insert("t", %{"id" => {:oversized, 99}})
      assert PgEtf.Ecto.load(change, Row).id == {:oversized, 99}
      assert_raise ArgumentError, ~r/no schema of Ecto/, fn -> PgEtf.Ecto.load(change, Enum) end
    end

    test "a stream has structs, and maps where a row does not fit" do
      for {schema, row, logged} <- [
            {Row, %Row{id: 0, x: "d"} |> loaded(), ""},
            {Wrong, %{"id" => 0}, "public.t has rows as maps: PgEtf.EctoTest.Wrong: field x"}
          ] do
        log =
          capture_log(fn ->
            slot = FakeSlot.start([1, 2])
            opts = [connection: [], slot: slot, client: FakeSlot, into: %{"t" => schema}]
            start_supervised!({Rows, [arg: self(), id: schema] ++ opts})
            assert_receive {:row, ^row}
            eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(2) end)
            stop_supervised!(schema)
          end)

        assert log =~ logged
        assert length(String.split(log, "has rows as maps")) in 1..2
      end
    end

    test "what a type raises is not quoted" do
      assert {:error, reason} =
               into(Testing.insert("t", %{"id" => 1, "x" => "secret"}), [Raising])

      assert reason =~ "Raising raised RuntimeError"
      refute reason =~ "secret"
    end

    defp into(change, into) do
      {:ok, schemas} = PgEtf.Ecto.schemas(into)
      PgEtf.Ecto.into(change, schemas)
    end

    test "an old row is a struct if all of it is there" do
      old = %{"id" => 1, "x" => "a"}
      update = Testing.update("t", old, %{"id" => 1, "x" => "b"}, old_record: old)
      assert {:ok, %{old_record: %Row{x: "a"}, key: %{"id" => 1}} = change} = into(update, [Row])
      assert Change.changes(change) == %{x: {"a", "b"}}

      assert {:ok, %{old_record: %{"id" => 1}}} =
               into(%{update | old_record: %{"id" => 1}}, [Row])

      moved = Testing.update("t", %{"id" => 1}, %{"id" => 2, "x" => "b"})
      {:ok, moved} = into(moved, [Row])
      assert Change.changes(moved) == %{id: {1, 2}}
      {:ok, insert} = into(Testing.insert("t", old), [Row])
      assert Change.changes(insert) == %{id: {nil, 1}, x: {nil, "a"}}
      # What did not come has not changed.
      toast = %{update | record: %{"id" => 1}, unchanged_toast: ["x"]}
      {:ok, toast} = into(toast, [Row])
      assert Change.changes(toast) == %{}
    end

    test "tables are named, or their schemas are" do
      assert Options.validate!(connection: [], slot: "s", into: [Order, Customer])[:into] ==
               %{{"public", "orders"} => Order, {"public", "customers"} => Customer}

      into = %{"a.b.c" => Row, "t" => Row, {"x.y", "z"} => Row}

      assert Options.validate!(connection: [], slot: "s", into: into)[:into] |> Map.keys() ==
               [{"a", "b.c"}, {"public", "t"}, {"x.y", "z"}]

      for wrong <- [%{"t" => Enum}, [String], :all, %{"t" => nil}] do
        assert_raise ArgumentError, ~r/expected a map from tables to schemas of Ecto/, fn ->
          Options.validate!(connection: [], slot: "s", into: wrong)
        end
      end
    end
  end
end
