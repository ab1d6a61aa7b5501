defmodule PgEtf.Relay do
  @moduledoc false
  # A network between clients and a server's Unix socket that can stop to carry: nothing
  # arrives any more, in either direction, and nobody is told; until it carries again.

  use GenServer

  def start_link(path), do: GenServer.start_link(__MODULE__, path)

  def port(relay), do: GenServer.call(relay, :port)
  def swallow(relay), do: GenServer.call(relay, :swallow)
  def carry(relay), do: GenServer.call(relay, :carry)

  @impl true
  def init(path) do
    {:ok, listen} = :gen_tcp.listen(0, [:binary, ip: {127, 0, 0, 1}, active: false])
    relay = self()
    spawn_link(fn -> accept(listen, relay, path) end)
    {:ok, %{listen: listen, peers: %{}, kept: nil}}
  end

  defp accept(listen, relay, path) do
    {:ok, client} = :gen_tcp.accept(listen)
    {:ok, server} = :gen_tcp.connect({:local, path}, 0, [:binary, active: false])
    for socket <- [client, server], do: :ok = :gen_tcp.controlling_process(socket, relay)
    send(relay, {:pair, client, server})
    accept(listen, relay, path)
  end

  @impl true
  def handle_call(:port, _from, state), do: {:reply, elem(:inet.port(state.listen), 1), state}
  def handle_call(:swallow, _from, state), do: {:reply, :ok, %{state | kept: []}}

  def handle_call(:carry, _from, %{kept: kept} = state) do
    for message <- Enum.reverse(kept), do: send(self(), message)
    {:reply, :ok, %{state | kept: nil}}
  end

  # What is on its way stays there; nothing more is read.
  @impl true
  def handle_info(message, %{kept: kept} = state) when is_list(kept) do
    {:noreply, %{state | kept: [message | kept]}}
  end

  def handle_info({:pair, client, server}, state) do
    for socket <- [client, server], do: :inet.setopts(socket, active: :once)
    {:noreply, %{state | peers: Map.merge(state.peers, %{client => server, server => client})}}
  end

  # Data may stand behind the end of the other side, and has nowhere to go then.
  def handle_info({:tcp, socket, data}, state) do
    with %{^socket => peer} <- state.peers do
      :gen_tcp.send(peer, data)
      :inet.setopts(socket, active: :once)
    end

    {:noreply, state}
  end

  def handle_info({:tcp_closed, socket}, state) do
    {peer, peers} = Map.pop(state.peers, socket)
    if peer, do: :gen_tcp.close(peer)
    {:noreply, %{state | peers: Map.delete(peers, peer)}}
  end

  def handle_info({:tcp_error, _socket, _reason}, state), do: {:noreply, state}
end
