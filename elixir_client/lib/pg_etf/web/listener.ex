defmodule PgEtf.Web.Listener do
  @moduledoc false
  # Listens, accepts, and keeps the number of connections within bounds: beyond it the
  # oldest goes, which is most likely one that does not ask for anything.

  use GenServer

  alias PgEtf.Web.Connection

  require Logger

  # Milliseconds until the port is tried again, or a socket when there is none left.
  @again 5_000
  @pause 20

  @spec start_link(map) :: GenServer.on_start()
  def start_link(config), do: GenServer.start_link(__MODULE__, config)

  @spec url(GenServer.server()) :: String.t() | nil
  def url(listener), do: GenServer.call(listener, :url)

  # open is of pids, the newest first.
  @impl GenServer
  def init(config) do
    Process.flag(:trap_exit, true)
    {:ok, listen(%{config: config, socket: nil, acceptor: nil, open: []})}
  end

  defp listen(%{config: config} = state) do
    case :gen_tcp.listen(config.port, options(config.ip)) do
      {:ok, socket} ->
        listener = self()
        acceptor = spawn_link(fn -> accept(socket, listener) end)
        %{state | socket: socket, acceptor: acceptor}

      {:error, reason} ->
        Logger.error(
          "PgEtf.Web cannot listen on port #{config.port}: #{:inet.format_error(reason)}; " <>
            "trying again every #{div(@again, 1000)} s"
        )

        retry(state, @again)
    end
  end

  # The log has it once.
  defp listen_again(%{config: config} = state) do
    case :gen_tcp.listen(config.port, options(config.ip)) do
      {:ok, socket} ->
        :gen_tcp.close(socket)
        listen(state)

      {:error, _reason} ->
        retry(state, @again)
    end
  end

  defp retry(state, pause) do
    Process.send_after(self(), :listen, pause)
    state
  end

  # The size is that of a line; longer ones are errors.
  defp options(ip) do
    [
      :binary,
      if(tuple_size(ip) == 8, do: :inet6, else: :inet),
      ip: ip,
      packet: :http_bin,
      packet_size: 8_192,
      active: false,
      reuseaddr: true,
      nodelay: true,
      backlog: 128,
      send_timeout: 5_000,
      send_timeout_close: true
    ]
  end

  defp accept(socket, listener) do
    case :gen_tcp.accept(socket) do
      {:ok, connection} ->
        case :gen_tcp.controlling_process(connection, listener) do
          :ok -> GenServer.call(listener, {:serve, connection}, :infinity)
          {:error, _} -> :gen_tcp.close(connection)
        end

        accept(socket, listener)

      {:error, reason} when reason in [:emfile, :enfile, :system_limit, :econnaborted] ->
        Process.sleep(@pause)
        accept(socket, listener)

      {:error, reason} ->
        exit(reason)
    end
  end

  @impl GenServer
  def handle_call({:serve, socket}, _from, state) do
    {:reply, :ok, %{state | open: serve(socket, state)}}
  end

  def handle_call(:url, _from, state), do: {:reply, address(state), state}

  defp serve(socket, %{config: config} = state) do
    task = fn -> receive do: (:go -> Connection.serve(socket, config)) end
    {:ok, pid} = Task.Supervisor.start_child(config.connections, task)
    Process.monitor(pid)
    :gen_tcp.controlling_process(socket, pid)
    send(pid, :go)
    make_room([pid | state.open], config.max_connections)
  end

  defp make_room(open, most) do
    {open, beyond} = Enum.split(open, most)
    Enum.each(beyond, &Process.exit(&1, :kill))
    open
  end

  defp address(%{socket: nil}), do: nil

  defp address(%{socket: socket, config: %{ip: ip}}) do
    {:ok, port} = :inet.port(socket)
    "http://#{host(ip)}:#{port}/"
  end

  defp host({127, 0, 0, 1}), do: "localhost"
  defp host(ip) when tuple_size(ip) == 8, do: "[#{:inet.ntoa(ip)}]"
  defp host(ip), do: to_string(:inet.ntoa(ip))

  @impl GenServer
  def handle_info({:DOWN, _ref, :process, pid, _reason}, state) do
    {:noreply, %{state | open: List.delete(state.open, pid)}}
  end

  def handle_info(:listen, state), do: {:noreply, listen_again(state)}

  # Without a socket there is nothing to accept.
  def handle_info({:EXIT, pid, _reason}, %{acceptor: pid} = state) do
    :gen_tcp.close(state.socket)
    {:noreply, retry(%{state | socket: nil, acceptor: nil}, @pause)}
  end

  def handle_info(_message, state), do: {:noreply, state}
end
