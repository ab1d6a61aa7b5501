defmodule PgEtf.FanoutNode do
  @moduledoc false
  # A node that handles changes of a PgEtf.Fanout. Whoever is :recorder, on the node that
  # this one is told, learns of each change when it is handled, before its acknowledgement.

  alias PgEtf.{Fanout, FakeSlot, Peers}
  alias __MODULE__

  ## In the node

  @doc "A slot of a log, in a process that stays, with the recorder."
  def slot(sizes) do
    {:ok, _} = Application.ensure_all_started(:pg_etf)
    {:ok, _} = Agent.start(fn -> [] end, name: :recorder)
    test = self()

    spawn(fn ->
      send(test, {:slot, FakeSlot.start(sizes)})
      Process.sleep(:infinity)
    end)

    receive do
      {:slot, slot} -> slot
    end
  end

  def start(opts) do
    {:ok, _} = Application.ensure_all_started(:pg_etf)
    test = self()

    spawn(fn ->
      Process.flag(:trap_exit, true)
      {:ok, _} = Fanout.start_link(FanoutNode, opts[:recorder], Keyword.delete(opts, :recorder))
      send(test, :started)

      receive do
        :stop -> :ok
      end
    end)

    receive do
      :started -> :ok
    after
      10_000 -> :error
    end
  end

  @doc "How long each call takes; :infinity until it is told something else."
  def slow(pause), do: :persistent_term.put(FanoutNode, pause)

  def init(recorder), do: {:ok, recorder}

  def handle_changes(changes, recorder) do
    rest(:persistent_term.get(FanoutNode, 0))
    event = {node(), for(change <- changes, do: change.record["id"])}
    Agent.update({:recorder, recorder}, &[event | &1])
    {:ok, recorder}
  end

  defp rest(:infinity) do
    Process.sleep(20)
    rest(:persistent_term.get(FanoutNode, 0))
  end

  defp rest(0), do: :ok
  defp rest(pause), do: Process.sleep(pause)

  @doc "By 64 keys: no node is without some."
  def key(change), do: :erlang.phash2(rem(change.record["id"], 64))

  ## From the test

  @doc "A node with the library; the first gives the port for the others."
  def first(name) do
    {peer, node, port} = Peers.first(name)
    {:ok, _} = :peer.call(peer, :application, :ensure_all_started, [:logger])
    {%{peer: peer, node: node}, port}
  end

  def another(name, n, port, to) do
    {peer, node} = Peers.start(name, {127, 0, 0, n}, port)
    {:ok, _} = :peer.call(peer, :application, :ensure_all_started, [:logger])
    true = :peer.call(peer, :net_kernel, :connect_node, [to.node])
    %{peer: peer, node: node}
  end

  def call(node, module \\ FanoutNode, function, args) do
    :peer.call(node.peer, module, function, args, 20_000)
  end

  @doc "What was handled, in order: `{node, id}`."
  def handled(reader) do
    events = call(reader, Agent, :get, [:recorder, Function, :identity, []])
    for {node, ids} <- Enum.reverse(events), id <- ids, do: {node, id}
  end
end
