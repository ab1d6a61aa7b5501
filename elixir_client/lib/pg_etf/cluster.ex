defmodule PgEtf.Cluster do
  @moduledoc """
  Functions of other nodes, called from SQL through the sidecar: as `erlang_call` does,
  but over Erlang's own distribution, which may be TLS, and with no cookie in PostgreSQL.

  The sidecar's BEAM joins the cluster, and says what SQL may call there. In
  `postgresql.conf`, on one line:

      elixir.command = 'elixir --name db@10.0.0.4
        --erl "-proto_dist inet_tls -ssl_dist_optfile /etc/shop/dist.conf"
        -pa /opt/shop/ebin -e Shop.Sidecar.boot --no-halt'

  with

      defmodule Shop.Sidecar do
        def boot do
          PgEtf.Cluster.allow([shop: :"shop@10.0.0.5"], [{Shop.Price, :price}, {:lists, :seq}])
          PgEtf.Sidecar.boot()
        end
      end

  Then

      SELECT elixir_call('PgEtf.Cluster.call', '["shop", "Shop.Price", "price", ["tea", 3]]');

  or, with values of any type, by `LANGUAGE elixir`:

      CREATE FUNCTION shop_price(node text, module text, function text, args text[])
      RETURNS numeric LANGUAGE elixir AS 'PgEtf.Cluster.call';

  The function runs on that node in a process of its own, which is killed when the call
  is canceled, times out or its session ends. What it raises is the SQL error, with its
  stack as the context.
  """

  use PgEtf.Functions

  # Needed as soon as this module is loaded, which the compiler does.
  Code.ensure_compiled!(PgEtf.Functions.Registry)

  alias PgEtf.SQLError

  @typedoc "How SQL calls the nodes."
  @type nodes :: [{atom, node}]

  @hint "What SQL may call on other nodes is what PgEtf.Cluster.allow/2 was given."

  @doc """
  Says what SQL may call: these functions, whatever their arity, on these nodes.

  Replaces what was allowed before.
  """
  @spec allow(nodes, [{module, atom}]) :: :ok
  def allow(nodes, functions) do
    nodes = Map.new(nodes, fn {name, node} when is_atom(node) -> {Atom.to_string(name), node} end)
    functions = Map.new(functions, fn {module, name} -> {shown(module, name), {module, name}} end)
    :persistent_term.put(__MODULE__, {nodes, functions})
  end

  defp shown(module, name), do: {String.trim_leading(inspect(module), ":"), Atom.to_string(name)}

  @doc """
  Calls a function of a node, all by their names: a module as `Shop.Price` or `lists`.
  """
  @sql "cluster_call(node text, module text, function text, args jsonb) RETURNS jsonb"
  @spec call(String.t(), String.t(), String.t(), [term]) :: term
  def call(node, module, function, args) do
    {nodes, functions} = :persistent_term.get(__MODULE__, {%{}, %{}})
    unless is_list(args), do: fail("22023", "the arguments of a call are an array")

    {module, name} =
      functions[{module, function}] ||
        fail("42501", "#{module}.#{function} may not be called", hint: @hint)

    node = nodes[node] || fail("42704", "there is no node #{node}", hint: @hint)
    connect(node)
    run(node, module, name, args)
  end

  @doc "The same, as `elixir_call` gives its argument: all four in a list."
  @sql true
  @spec call([term]) :: term
  def call([node, module, function, args]), do: call(node, module, function, args)

  defp connect(node) do
    case node == node() or Node.connect(node) do
      true ->
        :ok

      false ->
        fail("08001", "could not connect to node #{node}",
          detail: "It is down or unknown, or it has another cookie or certificate."
        )

      :ignored ->
        fail("55000", "the sidecar's BEAM is not a node",
          hint: "Start it with a name: elixir --name NAME@HOST."
        )
    end
  end

  # What erpc runs on the other side, spawned here to learn the pid: erpc itself leaves
  # the process alone when its caller is killed.
  defp run(node, module, name, args) do
    call = make_ref()
    mfa = [call, module, name, args]
    {pid, monitor} = :erlang.spawn_opt(node, :erpc, :execute_call, mfa, [:monitor])
    end_with(self(), pid)

    receive do
      {:DOWN, ^monitor, _, _, reason} -> result(reason, call, node)
    end
  end

  defp end_with(caller, pid) do
    spawn(fn ->
      ended = Process.monitor(pid)
      Process.monitor(caller)

      receive do
        {:DOWN, ^ended, _, _, _} -> :ok
        {:DOWN, _, _, ^caller, _} -> Process.exit(pid, :kill)
      end
    end)
  end

  defp result({call, :return, value}, call, _node), do: value
  defp result({call, :throw, value}, call, _node), do: throw(value)
  defp result({call, :exit, reason}, call, _node), do: exit(reason)

  defp result({call, :error, reason, stack}, call, _node),
    do: :erlang.raise(:error, reason, stack)

  defp result(:noconnection, _call, node) do
    fail("08006", "the connection to node #{node} was lost",
      detail: "The function may have run, or may still run."
    )
  end

  defp result(reason, _call, _node), do: exit(reason)

  defp fail(code, message, more \\ []),
    do: raise(SQLError, [code: code, message: message] ++ more)
end
