defmodule PgEtf.Brokers.KafkaTest do
  # A mock of librdkafka, which keeps nothing; with brod, if KAFKA_LIBS says where it is.
  use PgEtf.Integration, async: false

  @moduletag :brokers
  @moduletag timeout: 600_000

  if Code.ensure_loaded?(:brod) do
    alias PgEtf.{FakeBrod, Published}

    test "each change is in its partition, in order", %{sandbox: sandbox} do
      {:ok, _} = Application.ensure_all_started(:brod)
      {mock, port} = mock()
      children = Published.children("Kafka", sandbox, {"9092", port})
      Published.create(sandbox)
      for child <- children, do: start_supervised!(child)
      Published.wait(sandbox)

      for victim <- [Shop.Publisher, :shop_kafka, Shop.Publisher] do
        Published.frozen(sandbox, Shop.Publisher, &signal(mock, &1), fn ->
          Published.kill(victim)
        end)
      end

      Published.wait(sandbox)
      Published.check(sandbox, messages(port), :again)

      FakeBrod.check_contract(:brod, :shop_kafka, "contract", fn fun ->
        signal(mock, "STOP")
        fun.()
        signal(mock, "CONT")
      end)
    end

    # A consumer of its own, in whose log its address is.
    defp mock do
      kcat = System.find_executable("kcat") || raise "there is no kcat"
      args = ~w(-X test.mock.num.brokers=1 -d mock -b mock -C -t idle)
      port = Port.open({:spawn_executable, kcat}, [:binary, :stderr_to_stdout, args: args])
      {:os_pid, pid} = Port.info(port, :os_pid)
      on_exit(fn -> signal(pid, "KILL") end)
      {pid, address(port, "")}
    end

    defp address(port, read) do
      case Regex.run(~r/bootstrap.servers=127.0.0.1:(\d+)/, read) do
        [_, address] ->
          address

        nil ->
          assert_receive {^port, {:data, more}}, 30_000
          address(port, read <> more)
      end
    end

    defp signal(pid, signal),
      do: System.cmd("kill", ["-#{signal}", "#{pid}"], stderr_to_stdout: true)

    defp messages(port) do
      args = ~w(-C -b localhost:#{port} -t public.orders -e -q -f) ++ ["%p %h %s\n"]
      {output, 0} = System.cmd("kcat", args)

      for line <- String.split(output, "\n", trim: true) do
        [_partition, "id=" <> id, body] = String.split(line, " ", parts: 3)
        {id, body}
      end
    end
  else
    IO.puts("Without brod: nothing is published to Kafka")
  end
end
