defmodule PgEtf.Client.Node do
  @moduledoc false
  # The C program as a node of its own, somewhere else: `pg_etf_client --to` finds a
  # process of ours, PgEtf.Client.Receiver, and speaks with it. See docs/node.md.
  #
  # Where to read, and the slot, are that program's: they are not for us to set.

  @behaviour PgEtf.Client

  alias PgEtf.Client.Receiver
  alias PgEtf.Error

  @theirs [:node, :slot, :create, :failover, :plugin, :create_publication]

  # A packet that has been passed on is to be freed, however idle the process is then.
  @start_options [spawn_opt: [fullsweep_after: 10]]

  @enforce_keys [:receiver, :monitor, :tag]
  defstruct [:receiver, :monitor, :tag]

  @impl true
  def open(%{node: name, slot: slot} = settings, _opts) do
    tag = make_ref()
    start = Map.drop(settings, @theirs)
    offer = %{owner: self(), tag: tag, name: name, slot: slot, start: start}

    if Node.alive?() do
      start(offer)
    else
      {:error, not_a_node()}
    end
  end

  @doc "Starts to receive, which is possible from programs of this node alone if it is none."
  @spec start(map) :: {:ok, PgEtf.Client.conn()} | {:error, Error.t()}
  def start(%{tag: tag} = offer) do
    case GenServer.start(Receiver, offer, @start_options) do
      {:ok, receiver} ->
        {:ok, %__MODULE__{receiver: receiver, monitor: Process.monitor(receiver), tag: tag}}

      {:error, {:shutdown, error}} ->
        {:error, error}
    end
  end

  defp not_a_node do
    %Error{
      class: :config,
      message: "this virtual machine is not a node, so no pg_etf_client can find it",
      hint: "Start it with a name and a cookie: see RELEASE_DISTRIBUTION, or --name of elixir."
    }
  end

  # It is with the receiver, which does not make its sender wait.
  @impl true
  def command(%__MODULE__{receiver: receiver}, command) do
    GenServer.cast(receiver, {:command, command})
  end

  @impl true
  def handle_message(%__MODULE__{tag: tag, monitor: monitor}, message) do
    case message do
      {^tag, packet} -> {:packet, packet}
      {:DOWN, ^monitor, :process, _, {:shutdown, %Error{} = error}} -> {:down, error}
      {:DOWN, ^monitor, :process, _, reason} -> {:down, ended(reason)}
      _ -> :unknown
    end
  end

  defp ended(reason) do
    %Error{class: :port, message: "the process that receives has ended: #{inspect(reason)}"}
  end

  # Its end may have been heard of already.
  @impl true
  def close(%__MODULE__{receiver: receiver} = conn, timeout) do
    Process.demonitor(conn.monitor, [:flush])
    monitor = Process.monitor(receiver)
    if timeout > 0, do: GenServer.cast(receiver, :close)
    await_end(receiver, monitor, timeout)
    flush(conn.tag)
  end

  defp await_end(receiver, monitor, timeout) do
    receive do
      {:DOWN, ^monitor, :process, _, _} -> :ok
    after
      timeout ->
        Process.exit(receiver, :kill)
        await_end(receiver, monitor, :infinity)
    end
  end

  defp flush(tag) do
    receive do
      {^tag, _} -> flush(tag)
    after
      0 -> :ok
    end
  end
end
