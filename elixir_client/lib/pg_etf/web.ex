defmodule PgEtf.Web do
  @moduledoc """
  A page, metrics and a health check of all streams of this node, over HTTP.

      children = [
        MyApp.Pipeline,
        PgEtf.Web
      ]

  Then `http://localhost:4010/` shows the streams. Nothing else is needed: no dependency, and
  no other file than what the page itself contains.

  ![The page: state, lag, rate, in flight, WAL and last errors](images/page.png)

  | path | answer |
  |---|---|
  | `/` | the page: state, lag over the last five minutes, rate, in flight, WAL, last errors, backfills, and the other nodes. It follows by itself |
  | `/metrics` | the text of `PgEtf.Metrics`, for Prometheus |
  | `/health` | 200, 202 or 503, with the reason of each stream in a line: see below |
  | `/status.json` | what the page shows |

  Where there is Phoenix, or another application with Plug, `PgEtf.Web.Plug` answers the same
  inside of it.

  ## Options

    * `:port` - 4010; 0 is any that is free, see `url/1`.
    * `:ip` - `{127, 0, 0, 1}`: only this machine, which is asked for by that name or by
      `localhost`, since a browser might be led here under another one. With any other address,
      such as `{0, 0, 0, 0}`, everybody who can reach it sees names of slots and nodes and the
      texts of errors; nobody can change anything. It has no passwords and no TLS: leave
      these to a proxy.
    * `:max_unacknowledged` - 300,000: milliseconds after which a message that is not
      acknowledged makes a stream fail its health check.
    * `:max_connections` - 64: when more come, the oldest is closed.
    * `:name` - `PgEtf.Web`.

  ## Health

  | status | when |
  |---|---|
  | 200 | every stream reads its slot |
  | 202 | one of them is standing by, starting or connecting again, or there is none yet |
  | 503 | one of them is halted or stopped, has failed ten times in a row (`open_circuit`), has lost its slot, or has not acknowledged a message for too long |

  The worst of the streams counts. Use it for readiness, and let that accept 202, or a rolling
  deploy waits for ever for a node that stands by. A liveness probe should not ask it: a
  database that cannot be reached is nothing that a restart of the application mends.

  ## What it withstands

  A request is a line and headers of at most 8 KB each, 64 of them, within five seconds, and its
  answer has to be taken within five more; a body is not read. It answers GET and HEAD, each
  over a connection of its own. If the port is taken it says so in the log and tries again
  every five seconds. Nothing here ends the supervisor that it is started under. (It is built
  on `:gen_tcp` and not on `inets`, which has no limit for the time of a request and is not
  part of every release.)
  """

  use Supervisor

  alias PgEtf.Web.Listener

  @defaults [
    port: 4010,
    ip: {127, 0, 0, 1},
    max_unacknowledged: 300_000,
    max_connections: 64,
    name: __MODULE__
  ]

  @typedoc "The options."
  @type option ::
          {:port, :inet.port_number()}
          | {:ip, :inet.ip_address()}
          | {:max_unacknowledged, pos_integer}
          | {:max_connections, pos_integer}
          | {:name, atom}

  @doc """
  Starts it, as a child or by itself. Raises `ArgumentError` if an option is not valid.
  """
  @spec start_link([option]) :: Supervisor.on_start()
  def start_link(opts \\ []) do
    opts = Keyword.validate!(opts, @defaults)
    Enum.each(opts, &check!/1)
    Supervisor.start_link(__MODULE__, opts, name: opts[:name])
  end

  @doc """
  Where it answers, nil while it does not.
  """
  @spec url(Supervisor.supervisor()) :: String.t() | nil
  def url(server \\ __MODULE__) do
    {_, listener, _, _} = server |> Supervisor.which_children() |> List.keyfind(Listener, 0)
    Listener.url(listener)
  end

  @impl Supervisor
  def init(opts) do
    children = [
      {Task.Supervisor, name: connections(opts[:name])},
      {Listener, Map.new(opts) |> Map.put(:connections, connections(opts[:name]))}
    ]

    # What goes wrong here is never worth more than the page.
    Supervisor.init(children, strategy: :rest_for_one, max_restarts: 1_000, max_seconds: 1)
  end

  defp connections(name), do: Module.concat(name, Connections)

  defp check!({:port, port}) when port in 0..65_535, do: :ok
  defp check!({:ip, ip}) when tuple_size(ip) in [4, 8], do: :ok
  defp check!({:name, name}) when is_atom(name) and name != nil, do: :ok

  defp check!({key, value})
       when key in [:max_unacknowledged, :max_connections] and is_integer(value) and value > 0,
       do: :ok

  defp check!({key, value}) do
    raise ArgumentError, "invalid value for #{inspect(key)} of PgEtf.Web: #{inspect(value)}"
  end
end
