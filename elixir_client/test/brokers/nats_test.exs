defmodule PgEtf.Brokers.NatsTest do
  # "make check-brokers" installs the server; check-nats takes one that is not installed.
  use PgEtf.Integration, async: false

  alias PgEtf.{Broker, Json, Published}

  @moduletag :brokers
  @moduletag timeout: 600_000

  defp server(dir, port) do
    # Where it was built nobody else may look.
    program = Path.join(dir, "nats-server")
    File.cp!(System.get_env("PG_ETF_NATS", "/usr/sbin/nats-server"), program)
    {program, ~w(-a 127.0.0.1 -p #{port} -js -sd #{dir}/data), []}
  end

  test "each change is in the stream once, in order", %{sandbox: sandbox} do
    broker = start_supervised!({Broker, &server/2})
    port = Broker.port(broker)
    children = Published.children("NATS JetStream", sandbox, {"4222", "#{port}"})
    Published.create(sandbox)
    for child <- children, do: start_supervised!(child)

    # Without a stream nobody answers.
    Published.refused(sandbox, Shop.Publisher)
    [config] = Published.blocks("NATS JetStream", "json")

    assert %{"config" => %{"name" => "CHANGES"}} =
             ask(port, "$JS.API.STREAM.CREATE.CHANGES", config)

    Published.wait(sandbox)

    Published.under_faults(sandbox, broker, {Shop.Publisher, Shop.Nats})
    # The connection of before is gone.
    Process.delete(port)
    Published.check(sandbox, messages(port), :once)
  end

  defp messages(port) do
    %{"state" => %{"messages" => count}} = ask(port, "$JS.API.STREAM.INFO.CHANGES", "")

    for seq <- 1..count do
      %{"message" => message} = ask(port, "$JS.API.STREAM.MSG.GET.CHANGES", ~s({"seq":#{seq}}))
      assert message["subject"] == "changes.public.orders"
      [_, id] = Regex.run(~r/Nats-Msg-Id: (\S+)/, Base.decode64!(message["hdrs"]))
      {id, Base.decode64!(message["data"])}
    end
  end

  # A request and its answer, over a connection that this process keeps.
  defp ask(port, subject, body) do
    socket = Process.get(port) || connect(port)
    :ok = :gen_tcp.send(socket, "PUB #{subject} answer #{byte_size(body)}\r\n#{body}\r\n")
    answer(socket)
  end

  defp connect(port) do
    {:ok, socket} =
      :gen_tcp.connect({127, 0, 0, 1}, port, [:binary, packet: :line, active: false])

    :ok = :gen_tcp.send(socket, ~s(CONNECT {"verbose":false}\r\nSUB answer 1\r\n))
    Process.put(port, socket)
    socket
  end

  defp answer(socket) do
    case :gen_tcp.recv(socket, 0, 30_000) do
      {:ok, "MSG " <> head} ->
        size = head |> String.split() |> List.last() |> String.to_integer()
        :inet.setopts(socket, packet: :raw)
        {:ok, body} = :gen_tcp.recv(socket, size + 2, 30_000)
        :inet.setopts(socket, packet: :line)
        body |> String.trim() |> Json.decode!()

      {:ok, "PING\r\n"} ->
        :ok = :gen_tcp.send(socket, "PONG\r\n")
        answer(socket)

      {:ok, "INFO " <> _} ->
        answer(socket)
    end
  end
end
