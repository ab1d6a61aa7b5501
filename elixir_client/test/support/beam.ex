defmodule PgEtf.Beam do
  @moduledoc false
  # A BEAM of its own, to be paused and killed: a node of an application
  # whose processes are those of the operating system. It is not distributed; what it
  # has logged is in a file. With `more`, options of :peer, it may be a node of Erlang's.

  import ExUnit.Callbacks, only: [on_exit: 1]

  defstruct [:peer, :pid, :log]

  def start(name, more \\ %{}) do
    paths = Enum.flat_map(:code.get_path(), &[~c"-pa", &1])
    options = %{connection: :standard_io, args: paths, shutdown: :halt}
    {:ok, peer, _} = options |> Map.merge(more, &merge/3) |> :peer.start()
    random = Base.encode32(:rand.bytes(5), case: :lower)
    log = Path.join(System.tmp_dir!(), "pg_etf_#{name}_#{random}.log")
    pid = peer |> :peer.call(:os, :getpid, []) |> List.to_integer()
    node = %__MODULE__{peer: peer, pid: pid, log: log}

    on_exit(fn ->
      kill(node)
      File.rm(log)
    end)

    call(node, __MODULE__, :prepare, [log])
    node
  end

  defp merge(:args, paths, args), do: paths ++ args

  def call(%__MODULE__{peer: peer}, module, function, args, timeout \\ 30_000) do
    :peer.call(peer, module, function, args, timeout)
  end

  @doc false
  def prepare(log) do
    {:ok, _} = Application.ensure_all_started(:pg_etf)
    {:ok, _} = Application.ensure_all_started(:logger)
    :logger.remove_handler(:default)
    :logger.remove_handler(Logger)
    filters = [no_progress: {&:logger_filters.progress/2, :stop}]
    config = %{config: %{file: log}, level: :info, filters: filters}
    :ok = :logger.add_handler(:log, __MODULE__, config)
  end

  # Written at once: the node may be killed at any moment.
  @doc false
  def log(event, %{config: %{file: file}}) do
    File.write!(file, :logger_formatter.format(event, %{single_line: true}), [:append])
  end

  @doc "What the node has logged, a line for each event."
  def logged(%__MODULE__{log: log}) do
    case File.read(log) do
      {:ok, text} -> text
      {:error, :enoent} -> ""
    end
  end

  @doc "Ends it as a deploy does, but for what a peer has to say at its end."
  def stop(node) do
    :ok = call(node, :logger, :remove_handler, [:log])
    :ok = call(node, :init, :stop, [])
    PgEtf.Eventually.eventually(fn -> not alive?(node) end)
  end

  @doc "As a machine that is paused: the virtual machine and all programs that it runs."
  def pause(node), do: signal("STOP", [node.pid | programs(node)])
  def continue(node), do: signal("CONT", [node.pid | programs(node)])

  @doc "The virtual machine alone: its programs end as they would."
  def kill(node), do: signal("KILL", [node.pid])

  @doc "The C programs of the node."
  def clients(node), do: Enum.filter(programs(node), &(name(&1) == "pg_etf_client"))

  def signal(name, pids) do
    System.cmd("kill", ["-#{name}" | Enum.map(pids, &to_string/1)], stderr_to_stdout: true)
  end

  def alive?(%__MODULE__{pid: pid}), do: File.exists?("/proc/#{pid}")

  defp programs(%__MODULE__{pid: pid}) do
    parents = for stat <- Path.wildcard("/proc/[0-9]*/stat"), into: %{}, do: parent(stat)
    below(pid, parents)
  end

  defp below(pid, parents) do
    children = for {child, ^pid} <- parents, do: child
    children ++ Enum.flat_map(children, &below(&1, parents))
  end

  # pid (name) state parent ...; a process may be gone meanwhile.
  defp parent(path) do
    with {:ok, text} <- File.read(path),
         [_, pid, parent] <- Regex.run(~r/^(\d+) \(.*\) \S (\d+)/s, text) do
      {String.to_integer(pid), String.to_integer(parent)}
    else
      _ -> {nil, nil}
    end
  end

  defp name(pid) do
    case File.read("/proc/#{pid}/comm") do
      {:ok, name} -> String.trim(name)
      _ -> nil
    end
  end
end
