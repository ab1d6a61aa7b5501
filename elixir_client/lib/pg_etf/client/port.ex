defmodule PgEtf.Client.Port do
  @moduledoc false
  # Finds the C program, runs it behind a Port, and makes sure that it has exited
  # when it should be. Packets are documented in docs/port.md.

  @behaviour PgEtf.Client

  alias PgEtf.Error

  @program "pg_etf_client"

  @kill_script """
  for i in 1 2 3 4 5 6 7 8 9 10
  do
    kill -0 "$1" 2> /dev/null || exit 0
    sleep 0.1
  done
  kill -KILL "$1"
  """

  @enforce_keys [:port, :os_pid]
  defstruct [:port, :os_pid]

  @impl true
  def open(settings, opts) do
    with {:ok, path} <- find(opts[:client_path]),
         {:ok, port} <- spawn_program(path) do
      conn = %__MODULE__{port: port, os_pid: os_pid(port)}
      command(conn, {:start, settings})
      {:ok, conn}
    end
  end

  defp spawn_program(path) do
    options = [:binary, :exit_status, :use_stdio, :hide, packet: 4, args: ["--port"]]
    {:ok, Port.open({:spawn_executable, path}, options)}
  catch
    :error, reason -> {:error, not_started(path, reason)}
  end

  # Whatever the machine lacks at the moment passes; a program that may not be run does
  # not.
  defp not_started(path, reason) do
    class = if reason in [:eacces, :enoent, :enotdir], do: :config, else: :port

    %Error{
      class: class,
      message: "#{path} cannot be started: #{reason}",
      hint: "Check its permissions, and the limits of processes, ports and files."
    }
  end

  # A program that does not read must not suspend the owner, who has acks to
  # take and consumers to serve.
  @impl true
  def command(%__MODULE__{port: port}, command) do
    if Port.command(port, :erlang.term_to_binary(command), [:nosuspend]), do: :ok, else: :busy
  rescue
    # The port is closed: its end is on the way as a message.
    ArgumentError -> :ok
  end

  # After a broken pipe there is an exit signal and no exit status.
  @impl true
  def handle_message(%__MODULE__{port: port}, message) do
    case message do
      {^port, {:data, packet}} -> {:packet, packet}
      {^port, {:exit_status, status}} -> {:down, Error.from_exit_status(status)}
      {:EXIT, ^port, reason} -> {:down, lost(reason)}
      _ -> :unknown
    end
  end

  defp lost(reason) do
    %Error{class: :port, message: "the pipe to pg_etf_client broke: #{inspect(reason)}"}
  end

  @impl true
  def close(%__MODULE__{} = conn, 0) do
    close_port(conn)
    kill(conn)
  end

  def close(%__MODULE__{} = conn, timeout) do
    command(conn, :stop)
    await_exit(conn, System.monotonic_time(:millisecond) + timeout)
  end

  defp await_exit(%__MODULE__{port: port} = conn, deadline) do
    receive do
      {^port, {:data, _}} -> await_exit(conn, deadline)
      {^port, {:exit_status, _}} -> close_port(conn)
      # The pipe is broken, which does not mean that the program has exited.
      {:EXIT, ^port, _} -> kill(conn)
    after
      max(deadline - System.monotonic_time(:millisecond), 0) -> close(conn, 0)
    end
  end

  defp close_port(%__MODULE__{port: port}) do
    Port.close(port)
    flush(port)
  rescue
    ArgumentError -> flush(port)
  end

  defp flush(port) do
    receive do
      {^port, _} -> flush(port)
      {:EXIT, ^port, _} -> flush(port)
    after
      0 -> :ok
    end
  end

  # The end of its stdin ends the program, unless it is stopped or hung: one that
  # is still there after a while is killed, without making the owner wait.
  defp kill(%__MODULE__{os_pid: nil}), do: :ok

  defp kill(%__MODULE__{os_pid: os_pid}) do
    spawn(fn -> System.cmd("/bin/sh", ["-c", @kill_script, "kill", "#{os_pid}"]) end)
    :ok
  end

  defp os_pid(port) do
    case Port.info(port, :os_pid) do
      {:os_pid, os_pid} -> os_pid
      nil -> nil
    end
  end

  @doc """
  Where the C program is: what was given, else `PG_ETF_CLIENT`, `priv`, `PATH`.
  """
  @spec find(Path.t() | nil) :: {:ok, Path.t()} | {:error, Error.t()}
  def find(path \\ nil) do
    given = path || Application.get_env(:pg_etf, :client_path) || System.get_env("PG_ETF_CLIENT")

    candidates = if given, do: [given], else: [in_priv(), System.find_executable(@program)]

    case Enum.find(candidates, &executable?/1) do
      nil -> {:error, not_found(given)}
      found -> {:ok, found}
    end
  end

  defp in_priv do
    case :code.priv_dir(:pg_etf) do
      {:error, :bad_name} -> nil
      dir -> Path.join(to_string(dir), @program)
    end
  end

  defp executable?(nil), do: false

  defp executable?(path) do
    case File.stat(path) do
      {:ok, %File.Stat{type: :regular, mode: mode}} -> Bitwise.band(mode, 0o111) != 0
      _ -> false
    end
  end

  defp not_found(given) do
    %Error{
      class: :config,
      message: "the program #{given || @program} does not exist, or is not executable",
      hint: "Build it with \"mix compile\" in a checkout, or set client_path or PG_ETF_CLIENT."
    }
  end
end
