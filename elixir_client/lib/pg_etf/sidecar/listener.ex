defmodule PgEtf.Sidecar.Listener do
  @moduledoc false
  # The unix socket: makes it, accepts backends, and removes it at the end.

  use GenServer

  alias PgEtf.Sidecar.{Config, Connection, Control}

  require Logger

  # {SOL_SOCKET, SO_PEERCRED} of Linux; struct ucred: pid, uid, gid.
  @peercred {:raw, 1, 17, 12}
  # Of sockaddr_un, less a zero byte.
  @longest_path 107
  @pause_ms 20

  @spec start_link(Config.t()) :: GenServer.on_start()
  def start_link(config), do: GenServer.start_link(__MODULE__, config, name: config.listener)

  @impl GenServer
  def init(config) do
    Process.flag(:trap_exit, true)

    with :ok <- make_room(config.socket),
         {:ok, listener} <- listen(config),
         :ok <- File.chmod(config.socket, config.mode) do
      uids = [File.stat!(config.socket).uid | config.allowed_uids]
      acceptor = spawn_link(fn -> accept(listener, uids, config) end)
      if config.control, do: Control.ready(config.control, config)
      {:ok, %{config: config, listener: listener, acceptor: acceptor}}
    else
      {:error, reason} -> {:stop, {:socket, config.socket, reason}}
    end
  end

  @impl GenServer
  def handle_info({:EXIT, _pid, reason}, state), do: {:stop, reason, state}

  @impl GenServer
  def terminate(_reason, state) do
    :gen_tcp.close(state.listener)
    File.rm(state.config.socket)
  end

  # A BEAM that was killed leaves its socket behind. One that answers is in use; what is
  # no socket, a file of the server's own perhaps, refuses as well and stays.
  defp make_room(path) when byte_size(path) not in 1..@longest_path, do: {:error, :enametoolong}

  defp make_room(path) do
    case :gen_tcp.connect({:local, path}, 0, [], 1_000) do
      {:ok, socket} ->
        :gen_tcp.close(socket)
        {:error, :eaddrinuse}

      {:error, :econnrefused} ->
        if match?({:ok, %{type: :other}}, File.lstat(path)),
          do: File.rm(path),
          else: {:error, :eexist}

      {:error, _} ->
        :ok
    end
  end

  defp listen(config) do
    :gen_tcp.listen(0, [
      :binary,
      ifaddr: {:local, config.socket},
      packet: 4,
      packet_size: config.max_message_bytes,
      active: false,
      backlog: 1_024,
      # A backend that does not read its answer holds up its own process only.
      send_timeout: :infinity,
      buffer: 16_384
    ])
  end

  defp accept(listener, uids, config) do
    case :gen_tcp.accept(listener) do
      {:ok, socket} ->
        hand_over(socket, uids, config)
        accept(listener, uids, config)

      # No descriptor is free, nor for code that is not loaded: those who wait are still
      # there after a pause.
      {:error, reason} when reason in [:emfile, :enfile, :system_limit] ->
        Logger.error("the sidecar cannot accept a backend: #{reason}")
        Process.sleep(@pause_ms)
        accept(listener, uids, config)

      {:error, reason} ->
        exit(reason)
    end
  end

  defp hand_over(socket, uids, config) do
    with true <- allowed?(socket, uids),
         {:ok, pid} <- start_connection(socket, config) do
      :gen_tcp.controlling_process(socket, pid)
      send(pid, :go)
    else
      _ -> :gen_tcp.close(socket)
    end
  end

  # When too many are just being refused, the next ones wait for them.
  defp start_connection(socket, config) do
    with {:error, :max_children} <-
           Task.Supervisor.start_child(config.connections, start(socket, config)) do
      Process.sleep(@pause_ms)
      start_connection(socket, config)
    end
  end

  defp start(socket, config) do
    fn ->
      receive do
        :go -> Connection.serve(socket, config)
      after
        5_000 -> :ok
      end
    end
  end

  # Elsewhere the permissions of the socket have to do.
  defp allowed?(socket, uids) do
    case {:os.type(), :inet.getopts(socket, [@peercred])} do
      {{:unix, :linux}, {:ok, [{:raw, 1, 17, <<_pid::native-32, uid::native-32, _::32>>}]}} ->
        uid in uids or uid == 0

      {{:unix, :linux}, _} ->
        false

      _ ->
        true
    end
  end
end
