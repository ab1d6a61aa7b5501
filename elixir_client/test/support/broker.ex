defmodule PgEtf.Broker do
  @moduledoc false
  # A private instance of a server that is no PostgreSQL: in a directory of its own, on
  # loopback, as somebody without rights. It ends with its test, or with the virtual machine.

  use GenServer

  import PgEtf.Eventually

  @timeout 120_000

  # Its processes are a group, which ends when stdin does, and the directory with it.
  @script """
  dir=$1; shift
  exec 2> /dev/null 3<&0
  setsid "$@" >> "$dir/log" 2>&1 < /dev/null 3<&- &
  group=$!
  (cat <&3 > /dev/null; trap '' TERM; kill -s KILL -- -$group; sleep 1; rm -rf "$dir") &
  guard=$!
  echo $group
  wait $group
  kill -s KILL -- -$group
  kill $guard
  """

  @doc """
  Starts a server. `command` gets the directory and the port, and gives program, arguments
  and environment; what the server needs in the directory it writes there.
  """
  def start_link(command), do: GenServer.start_link(__MODULE__, command, timeout: @timeout)

  @doc "The port at which it listens, whenever it runs."
  def port(broker), do: GenServer.call(broker, :port, @timeout)

  @doc "Ends it as a crash of its machine would, but for what the machine has cached."
  def kill(broker), do: GenServer.call(broker, :kill, @timeout)

  @doc "It does nothing any more, though its kernel still takes what is sent to it."
  def freeze(broker), do: GenServer.call(broker, {:signal, "STOP"}, @timeout)
  def thaw(broker), do: GenServer.call(broker, {:signal, "CONT"}, @timeout)

  @doc "Starts it again; it takes connections when this returns."
  def run(broker), do: GenServer.call(broker, :run, @timeout)

  def free_port do
    {:ok, socket} = :gen_tcp.listen(0, ip: {127, 0, 0, 1})
    {:ok, port} = :inet.port(socket)
    :gen_tcp.close(socket)
    port
  end

  @impl true
  def init(command) do
    Process.flag(:trap_exit, true)
    name = Base.encode32(:rand.bytes(5), case: :lower, padding: false)
    dir = Path.join(System.tmp_dir!(), "pg_etf_broker_#{name}")
    File.mkdir!(dir)
    File.chmod!(dir, 0o700)
    port = free_port()
    {program, args, env} = command.(dir, port)
    state = %{dir: dir, port: port, args: as_nobody(dir) ++ [program | args], env: env, os: nil}
    {:ok, start(state)}
  end

  @impl true
  def handle_call(:port, _from, state), do: {:reply, state.port, state}
  def handle_call(:kill, _from, state), do: {:reply, :ok, stop(state)}
  def handle_call(:run, _from, state), do: {:reply, :ok, start(state)}

  def handle_call({:signal, signal}, _from, state) do
    signal(state, signal)
    {:reply, :ok, state}
  end

  # A server that ends by itself is missed by the test.
  @impl true
  def handle_info({port, {:exit_status, _}}, %{os: {port, _}} = state) do
    {:noreply, %{state | os: nil}}
  end

  def handle_info(_message, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state) do
    stop(state)
    File.rm_rf!(state.dir)
  end

  defp start(%{dir: dir} = state) do
    env = for {name, value} <- state.env, do: {to_charlist(name), to_charlist(value)}

    port =
      Port.open({:spawn_executable, "/bin/sh"}, [
        :exit_status,
        args: ["-c", @script, "broker", dir | state.args],
        env: [{~c"ERL_LIBS", false}, {~c"HOME", to_charlist(dir)} | env],
        cd: dir
      ])

    group =
      receive do
        {^port, {:data, pid}} -> pid |> to_string() |> String.trim()
      end

    listens!(state)
    %{state | os: {port, group}}
  end

  defp listens!(state) do
    eventually(fn -> listens?(state.port) end, 90_000)
  rescue
    error ->
      log = File.read!(Path.join(state.dir, "log"))
      File.rm_rf(state.dir)
      reraise log <> Exception.message(error), __STACKTRACE__
  end

  defp listens?(port) do
    case :gen_tcp.connect({127, 0, 0, 1}, port, []) do
      {:ok, socket} -> :gen_tcp.close(socket) == :ok
      {:error, _} -> false
    end
  end

  defp stop(%{os: nil} = state), do: state

  defp stop(%{os: {port, _}} = state) do
    signal(state, "KILL")

    receive do
      {^port, {:exit_status, _}} -> %{state | os: nil}
    end
  end

  defp signal(%{os: {_, group}}, signal) do
    System.cmd("kill", ["-#{signal}", "--", "-" <> group], stderr_to_stdout: true)
  end

  # Who it runs as, where the test is root's.
  defp as_nobody(dir) do
    with {"0\n", 0} <- System.cmd("id", ["-u"]),
         {id, 0} <- System.cmd("id", ["-u", "nobody"]) do
      id = String.trim(id)
      File.chown!(dir, String.to_integer(id))
      ["setpriv", "--reuid=#{id}", "--regid=#{id}", "--clear-groups", "--"]
    else
      _ -> []
    end
  end
end
