defmodule PgEtf.Client.Receiver do
  @moduledoc false
  # The registered process that pg_etf_client --to writes to, for one incarnation of a
  # stream. It waits for a program, takes the first that offers the slot, and ends with it.
  # What others send is theirs: one that is not taken offers itself again.

  use GenServer, restart: :temporary

  alias PgEtf.Decode.Atoms
  alias PgEtf.Error

  @enforce_keys [:owner, :tag, :name, :slot, :start]
  defstruct [:owner, :tag, :name, :slot, :start, :client, :other_slot, asked: 0]

  @impl true
  def init(offer) do
    Process.monitor(offer.owner)
    Process.register(self(), offer.name)
    {:ok, struct!(__MODULE__, offer)}
  rescue
    ArgumentError -> {:stop, {:shutdown, name_taken(offer.name)}}
  end

  defp name_taken(name) do
    %Error{
      class: :port,
      message: "the name #{inspect(name)} is that of another process",
      hint: "Each stream needs a name of its own: connection: {:node, name}."
    }
  end

  @impl true
  def handle_cast({:command, command}, %__MODULE__{client: client} = state) when client != nil do
    tell(client, command)
    {:noreply, state}
  end

  # So that a stream is not taken for one whose program hangs.
  def handle_cast({:command, :stats}, state) do
    state = %{state | asked: state.asked + 1}
    report(state, {:status, :reconnecting, Map.merge(missing(state), %{failures: state.asked})})
    {:noreply, state}
  end

  def handle_cast({:command, _command}, state), do: {:noreply, state}

  def handle_cast(:close, %__MODULE__{client: nil} = state), do: {:stop, :normal, state}

  def handle_cast(:close, state) do
    tell(state.client, :stop)
    {:noreply, state}
  end

  @impl true
  def handle_info({:pg_etf, client, packet}, %__MODULE__{client: client} = state) do
    send(state.owner, {state.tag, packet})
    {:noreply, state}
  end

  # An earlier program may still be sending to the name.
  def handle_info({:pg_etf, client, packet}, %__MODULE__{client: nil} = state)
      when is_pid(client) and is_binary(packet) do
    case Atoms.read(packet) do
      {:ok, {:hello, %{slot: slot}}} when slot == state.slot -> {:noreply, take(state, client)}
      {:ok, {:hello, %{slot: slot}}} -> {:noreply, %{state | other_slot: {slot, node(client)}}}
      _ -> {:noreply, state}
    end
  end

  def handle_info({:DOWN, _, :process, owner, _}, %__MODULE__{owner: owner} = state) do
    {:stop, :normal, state}
  end

  def handle_info({:DOWN, _, :process, client, reason}, %__MODULE__{client: client} = state) do
    {:stop, {:shutdown, lost(client, reason)}, state}
  end

  def handle_info(_message, state), do: {:noreply, state}

  defp take(state, client) do
    Process.monitor(client)
    tell(client, {:start, state.start})
    %{state | client: client}
  end

  defp tell(client, command), do: send(client, {:pg_etf, :erlang.term_to_binary(command)})

  defp report(state, report), do: send(state.owner, {state.tag, :erlang.term_to_binary(report)})

  defp lost(client, reason) do
    %Error{
      class: :network,
      message: "pg_etf_client at #{node(client)} has gone: #{inspect(reason)}",
      hint: "It comes back by itself, unless it was stopped there: see what it says on stderr."
    }
  end

  defp missing(%__MODULE__{other_slot: nil} = state) do
    to = "#{state.name}@#{node()}"

    %{
      class: :network,
      message: "no pg_etf_client has connected to #{to}",
      hint: "Start it where the database is: pg_etf_client --to=#{to} --slot=#{state.slot}"
    }
  end

  defp missing(%__MODULE__{other_slot: {slot, node}} = state) do
    %{
      class: :config,
      message: "pg_etf_client at #{node} reads slot #{slot}, and not #{state.slot}",
      hint: "Start it with --slot=#{state.slot}, or with the name of another stream in --to."
    }
  end
end
