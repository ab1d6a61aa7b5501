defmodule PgEtf.Brokers.RabbitTest do
  # "make check-brokers" installs the server, and has its client among ERL_LIBS.
  use PgEtf.Integration, async: false

  alias PgEtf.{Broker, Published}

  @moduletag :brokers
  @moduletag timeout: 600_000

  setup_all do
    {:ok, _} = Application.ensure_all_started(:amqp_client)
    :ok
  end

  # Nodes of Erlang need a daemon that knows their ports: one of its own.
  @start """
  epmd -address 127.0.0.1 -port $ERL_EPMD_PORT &
  exec "$1"
  """

  defp server(dir, port) do
    [program] = Path.wildcard("/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server")

    File.write!(Path.join(dir, "rabbitmq.conf"), """
    listeners.tcp.1 = 127.0.0.1:#{port}
    disk_free_limit.absolute = 1MB
    """)

    env = %{
      "ERL_EPMD_ADDRESS" => "127.0.0.1",
      "ERL_EPMD_PORT" => "#{Broker.free_port()}",
      "RABBITMQ_CONF_ENV_FILE" => "#{dir}/none",
      "RABBITMQ_CONFIG_FILE" => "#{dir}/rabbitmq.conf",
      "RABBITMQ_DIST_PORT" => "#{Broker.free_port()}",
      "RABBITMQ_ENABLED_PLUGINS_FILE" => "#{dir}/plugins",
      "RABBITMQ_GENERATED_CONFIG_DIR" => "#{dir}/config",
      "RABBITMQ_LOGS" => "-",
      "RABBITMQ_LOG_BASE" => "#{dir}/logs",
      "RABBITMQ_MNESIA_BASE" => "#{dir}/data",
      "RABBITMQ_NODENAME" => "pg_etf@localhost",
      "RABBITMQ_PID_FILE" => "#{dir}/pid",
      "RABBITMQ_PLUGINS_EXPAND_DIR" => "#{dir}/expanded"
    }

    {"/bin/sh", ["-c", @start, "rabbit", program], env}
  end

  test "each change is in the queue, in order", %{sandbox: sandbox} do
    broker = start_supervised!({Broker, &server/2})
    address = "localhost:#{Broker.port(broker)}"
    children = Published.children("RabbitMQ", sandbox, {"localhost:5672", address})
    Published.create(sandbox)
    channel = channel(address)

    {:"exchange.declare_ok"} =
      call(
        channel,
        {:"exchange.declare", 0, "changes", "topic", false, true, false, false, false, []}
      )

    {:"queue.declare_ok", "orders", 0, 0} =
      call(channel, {:"queue.declare", 0, "orders", false, true, false, false, false, []})

    for child <- children, do: start_supervised!(child)

    # No queue takes them.
    Published.refused(sandbox, Shop.Publisher)

    {:"queue.bind_ok"} =
      call(channel, {:"queue.bind", 0, "orders", "changes", "public.*", false, []})

    Published.wait(sandbox)

    Published.under_faults(sandbox, broker, {Shop.Publisher, Shop.Rabbit})
    eventually(fn -> connections() == 1 end)
    Published.check(sandbox, messages(channel(address), []), :again)
  end

  defp channel(address) do
    {:ok, params} = :amqp_uri.parse(~c"amqp://guest:guest@#{address}")
    {:ok, connection} = :amqp_connection.start(params)
    {:ok, channel} = :amqp_connection.open_channel(connection)
    channel
  end

  defp call(channel, method), do: :amqp_channel.call(channel, method)

  defp connections, do: Supervisor.count_children(:amqp_sup).active

  defp messages(channel, messages) do
    case call(channel, {:"basic.get", 0, "orders", true}) do
      {got, {:amqp_msg, props, body}} when elem(got, 0) == :"basic.get_ok" ->
        messages(channel, [{elem(props, 9), body} | messages])

      _empty ->
        Enum.reverse(messages)
    end
  end
end
