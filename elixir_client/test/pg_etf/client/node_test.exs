defmodule PgEtf.Client.NodeTest do
  # The program is a process of this node here: the integration tests have the real one.
  use ExUnit.Case, async: true

  import PgEtf.Eventually

  alias PgEtf.{Client, Error}

  @timeout 5_000

  setup do
    name = :"receiver_#{System.unique_integer([:positive])}"
    start = %{credit_events: 7}
    offer = %{owner: self(), tag: make_ref(), name: name, slot: "s", start: start}
    {:ok, conn} = Client.Node.start(offer)
    %{name: name, offer: offer, conn: conn}
  end

  # A program that offers a slot, and passes on what it is told.
  defp program(name, slot \\ "s") do
    test = self()

    pid =
      spawn_link(fn ->
        send(name, packet({:hello, %{slot: slot, version: "1.0.0"}}))
        send(test, {:offered, self()})
        Process.put(:name, name)
        loop(test)
      end)

    assert_receive {:offered, ^pid}, @timeout
    pid
  end

  defp loop(test) do
    receive do
      {:pg_etf, bytes} -> send(test, {:told, self(), :erlang.binary_to_term(bytes)})
      {:send, term} -> send(Process.get(:name), packet(term))
      :end -> exit(:normal)
    end

    loop(test)
  end

  defp packet(term), do: {:pg_etf, self(), :erlang.term_to_binary(term)}

  defp received(conn) do
    assert_receive message, @timeout

    case Client.Node.handle_message(conn, message) do
      {:packet, packet} -> :erlang.binary_to_term(packet)
      other -> other
    end
  end

  test "the program that offers the slot is started and heard", %{name: name, conn: conn} do
    program = program(name)
    assert_receive {:told, ^program, {:start, %{credit_events: 7}}}, @timeout
    send(program, {:send, {:position, 5}})
    assert received(conn) == {:position, 5}
    assert Client.Node.command(conn, {:flushed, 5}) == :ok
    assert_receive {:told, ^program, {:flushed, 5}}, @timeout
  end

  test "what a predecessor still sends is not heard", %{name: name, conn: conn} do
    send(name, packet({:position, 1}))
    send(name, {:pg_etf, self(), "no term"})
    send(name, {:pg_etf, :nobody, "\x83a\x01"})
    send(name, :anything)
    program = program(name)
    assert_receive {:told, ^program, {:start, _}}, @timeout
    send(name, packet({:position, 2}))
    second = program(name)
    send(program, {:send, {:position, 3}})
    assert received(conn) == {:position, 3}
    refute_received {:told, ^second, _}
  end

  test "the end of the program is that of the connection", %{name: name, conn: conn} do
    program = program(name)
    assert_receive {:told, ^program, {:start, _}}, @timeout
    send(program, :end)
    assert {:down, %Error{class: :network, message: message}} = received(conn)
    assert message =~ "has gone"
    assert Client.Node.close(conn, 0) == :ok
    eventually(fn -> Process.whereis(name) == nil end)
  end

  test "while there is no program, it says so", %{name: name, conn: conn} do
    Client.Node.command(conn, {:flushed, 1})
    Client.Node.command(conn, :stats)
    assert {:status, :reconnecting, %{class: :network, failures: 1} = details} = received(conn)
    assert details.message =~ "no pg_etf_client has connected to #{name}@"
    assert details.hint =~ "--slot=s"

    program(name, "other")
    Client.Node.command(conn, :stats)
    assert {:status, :reconnecting, %{class: :config, failures: 2} = details} = received(conn)
    assert details.message =~ "reads slot other, and not s"
  end

  test "a name that is taken", %{offer: offer} do
    assert {:error, %Error{class: :port} = error} = Client.Node.start(offer)
    assert error.message =~ "is that of another process"
    assert Error.transient?(error)
  end

  test "a receiver that is killed", %{conn: conn} do
    Process.exit(conn.receiver, :kill)
    assert {:down, %Error{class: :port}} = received(conn)
  end

  test "closing stops the program, and waits for it", %{name: name, conn: conn} do
    program = program(name)
    assert_receive {:told, ^program, {:start, _}}, @timeout
    tag = conn.tag
    send(program, {:send, {:stopped, 1}})
    eventually(fn -> {:messages, []} != Process.info(self(), :messages) end)
    spawn(fn -> Process.sleep(50) && send(program, :end) end)
    assert Client.Node.close(conn, @timeout) == :ok
    assert_received {:told, ^program, :stop}
    assert Process.whereis(name) == nil
    refute Process.alive?(program)
    refute_received {^tag, _packet}
  end

  test "closing does not wait for ever, or for nobody", %{name: name, offer: offer, conn: conn} do
    assert Client.Node.close(conn, @timeout) == :ok
    {:ok, conn} = Client.Node.start(offer)
    program = program(name)
    assert_receive {:told, ^program, {:start, _}}, @timeout
    assert Client.Node.close(conn, 10) == :ok
    assert Process.whereis(name) == nil
  end

  test "it ends with its owner", %{offer: offer} do
    offer = %{offer | name: :"#{offer.name}_2"}

    owner =
      spawn(fn ->
        {:ok, _} = Client.Node.start(%{offer | owner: self()})
        Process.sleep(:infinity)
      end)

    eventually(fn -> Process.whereis(offer.name) != nil end)
    Process.exit(owner, :kill)
    eventually(fn -> Process.whereis(offer.name) == nil end)
  end

  test "where there is no node" do
    refute Node.alive?()
    settings = %{node: :receiver, slot: "s"}
    assert {:error, %Error{class: :config, message: message}} = Client.Node.open(settings, [])
    assert message =~ "not a node"
  end

  test "the options of a stream" do
    opts = PgEtf.Options.validate!(connection: {:node, :orders}, slot: "s")
    assert opts[:client] == Client.Node
    assert %{node: :orders, slot: "s"} = Client.Settings.start(opts)

    for bad <- [{:node, nil}, {:node, "orders"}, {:node, :undefined}, {:port, :a}] do
      assert_raise ArgumentError, ~r/\{:node, name\}/, fn ->
        PgEtf.Options.validate!(connection: bad, slot: "s")
      end
    end

    assert_raise ArgumentError, ~r/:create_slot/, fn ->
      PgEtf.Options.validate!(connection: {:node, :orders}, slot: "s", create_slot: true)
    end
  end
end
