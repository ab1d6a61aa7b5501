unless Code.ensure_loaded?(:brod) do
  defmodule PgEtf.KafkaGuideTest do
    # The publisher of the guide "To a message broker", without a broker.
    use PgEtf.StreamCase, async: false

    alias PgEtf.{FakeBrod, FakeSlot, Published}

    @client :shop_kafka
    @publisher Module.concat(["Shop.Publisher"])

    setup_all do
      FakeBrod.be_brod()
      Published.define("Kafka")
      :ok
    end

    setup do
      slot = FakeSlot.start(List.duplicate(5, 20))
      start_supervised!({Module.concat(["Shop.Kafka"]), [{"localhost", 9092}]})
      %{slot: slot}
    end

    defp publish(slot) do
      opts = opts(slot, arg: Module.concat(["Shop.Kafka"]), create_slot: false, batch_size: 10)
      start_supervised!({@publisher, opts})
    end

    test "brod is as its stand-in is" do
      FakeBrod.check_contract(:brod, @client, "t", fn fun ->
        FakeBrod.answer(@client, [{:error, :timeout}])
        fun.()
      end)
    end

    test "each change is in the partition of its key, in order", %{slot: slot} do
      FakeBrod.answer(@client, [:ok, {:error, :timeout}, :ok, {:error, :not_enough_replicas}])
      publish(slot)
      eventually(fn -> done?(slot, 20) end)
      assert FakeSlot.breaches(slot) == []

      rows =
        for {place, batch} <- FakeBrod.stored(@client), message <- batch, do: {place, message}

      once = Enum.uniq(rows)
      assert length(rows) > length(once)
      assert once |> Enum.map(&elem(&1, 1).headers) |> Enum.uniq() |> length() == 100

      for {{"public.t", partition}, messages} <- Enum.group_by(once, &elem(&1, 0), &elem(&1, 1)) do
        ids = for message <- messages, do: id(message, partition)
        assert ids == Enum.sort(ids)
      end
    end

    test "what a partition refuses is not confirmed, and comes again", %{slot: slot} do
      FakeBrod.answer(@client, for(_ <- 1..200, do: {:error, :not_enough_replicas}))
      publish(slot)
      eventually(fn -> PgEtf.info(@publisher).error != nil end)
      assert FakeSlot.confirmed(slot) < FakeSlot.end_lsn(1)
      FakeBrod.answer(@client, [])
      eventually(fn -> done?(slot, 20) end)
    end

    test "all replicas have it, and no request overtakes another one" do
      producer = FakeBrod.config(@client)[:default_producer_config]
      assert producer[:required_acks] == -1
      assert producer[:partition_onwire_limit] == 1
    end

    defp id(message, partition) do
      %{"op" => "insert", "key" => %{"id" => id}} = PgEtf.Json.decode!(message.value)
      assert PgEtf.Json.decode!(message.key) == %{"id" => id}
      assert rem(PgEtf.partition_by(PgEtf.Testing.insert("t", %{"id" => id})), 4) == partition
      id
    end
  end
end
