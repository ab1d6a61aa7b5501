# A small shop on a private PostgreSQL, and its changes as Elixir terms.
#
#   make demo                the plain OTP consumer
#   make demo BROADWAY=1     the same through Broadway, where Hex or BROADWAY_LIBS has it
#   make demo PLUGIN=pgoutput  on a server that does not have our plugin
#   make demo PAGE=0         the page on any port that is free, not on 4010
#   make demo KEEP=1         leaves the database for a look
#
# Ends by itself after about 20 seconds, with status 1 when a row is missing, is
# there twice, or has another value than in the database.

for file <- ["replica.exs", "proof.exs"], do: Code.require_file(file, __DIR__)

# Values are built as these structs whether their libraries are loaded or not;
# here they have to be there to be printed well.
unless Code.ensure_loaded?(Decimal) do
  defmodule Decimal do
    defstruct sign: 1, coef: 0, exp: 0
  end
end

unless Code.ensure_loaded?(Postgrex.Range) do
  defmodule Postgrex.Range do
    defstruct lower: nil, upper: nil, lower_inclusive: true, upper_inclusive: true
  end
end

defmodule Demo.Consumer do
  @behaviour PgEtf.Consumer

  @impl true
  def handle_changes(changes, state) do
    Enum.each(changes, &Demo.Replica.apply/1)
    {:ok, state}
  end

  def start(connection), do: PgEtf.Consumer.start_link(__MODULE__, nil, opts(connection))

  # Of a slot that is not there yet, and whose plugin is not named: ours, if the
  # server has it.
  def opts(connection) do
    publications = if Demo.pgoutput?(), do: ["shop"], else: []

    [
      connection: connection,
      slot: "demo",
      create_slot: true,
      publications: publications,
      stats_interval: 1000
    ]
  end
end

if Code.ensure_loaded?(Broadway) do
  defmodule Demo.Pipeline do
    use Broadway
    use PgEtf.Pipeline

    def start(connection) do
      Broadway.start_link(__MODULE__,
        name: __MODULE__,
        producer: [module: {PgEtf.Producer, Demo.Consumer.opts(connection)}, concurrency: 1],
        processors: [default: [concurrency: 4, partition_by: &partition/1]]
      )
    end

    # A truncate is about all rows of its table: it stays in order with them only
    # where they all go one way.
    defp partition(%{data: %{table: "carts"}}), do: 0
    defp partition(message), do: PgEtf.partition_by(message)

    @impl true
    def handle_message(_, message, _) do
      Demo.Replica.apply(message.data)
      message
    end
  end
end

defmodule Demo.Shop do
  # The traffic. Each function returns the changes that it has committed.

  alias PgEtf.Sandbox

  @big 100_000

  def create(sandbox) do
    Sandbox.psql!(sandbox, """
    CREATE TABLE orders (
      id int PRIMARY KEY,
      customer text NOT NULL,
      placed timestamptz(3) NOT NULL,
      total numeric(10,2),
      tags text[],
      details jsonb,
      delivery daterange
    );
    CREATE TABLE order_items (
      order_id int, line int, sku uuid, quantity int, price numeric(10,2),
      PRIMARY KEY (order_id, line)
    );
    CREATE TABLE carts (id int PRIMARY KEY, items text[]);
    CREATE TABLE prices (sku uuid PRIMARY KEY, price numeric, valid date);
    """)

    if Demo.pgoutput?() do
      Sandbox.psql!(
        sandbox,
        "CREATE PUBLICATION shop FOR TABLE orders, order_items, carts, prices"
      )
    end
  end

  def order(sandbox, id) do
    lines = 1 + rem(id, 3)

    Sandbox.psql!(sandbox, """
    BEGIN;
    INSERT INTO orders VALUES (#{id}, 'Zoë #{id}', now(), NULL, ARRAY['new', NULL, 'größe'],
      '{"gift": #{rem(id, 2) == 0}, "weight": 1.25, "notes": [null, "€", #{id}]}',
      daterange(current_date, current_date + #{lines}));
    INSERT INTO order_items
      SELECT #{id}, line, gen_random_uuid(), line * 2, round(random()::numeric * 100, 2)
      FROM generate_series(1, #{lines}) line;
    UPDATE orders SET total = (SELECT sum(quantity * price) FROM order_items WHERE order_id = #{id})
      WHERE id = #{id};
    INSERT INTO carts VALUES (#{id}, ARRAY['a', 'b,c']);
    COMMIT;
    """)

    %{insert: 2 + lines, update: 1}
  end

  def cancel(sandbox, id) do
    lines = 1 + rem(id, 3)

    Sandbox.psql!(sandbox, """
    BEGIN;
    DELETE FROM order_items WHERE order_id = #{id};
    DELETE FROM orders WHERE id = #{id};
    COMMIT;
    """)

    %{delete: 1 + lines}
  end

  # Nobody ever sees this one.
  def change_of_mind(sandbox) do
    Sandbox.psql!(sandbox, """
    BEGIN;
    INSERT INTO orders SELECT 900000 + i, 'nobody', now() FROM generate_series(1, 1000) i;
    ROLLBACK;
    """)

    %{}
  end

  def price_list(sandbox) do
    Sandbox.psql!(sandbox, """
    INSERT INTO prices
      SELECT gen_random_uuid(), round(random()::numeric * 1000, 3), current_date + (i % 365)
      FROM generate_series(1, #{@big}) i;
    """)

    %{insert: @big}
  end

  def empty_carts(sandbox) do
    Sandbox.psql!(sandbox, "TRUNCATE carts")
    %{truncate: 1}
  end

  def run(sandbox, milliseconds) do
    deadline = System.monotonic_time(:millisecond) + milliseconds
    written = orders(sandbox, 1, deadline, %{})

    [&change_of_mind/1, &price_list/1, &empty_carts/1]
    |> Enum.reduce(written, fn step, written -> add(written, step.(sandbox)) end)
    |> add(order(sandbox, 800_000))
  end

  defp orders(sandbox, id, deadline, written) do
    cond do
      System.monotonic_time(:millisecond) > deadline -> written
      rem(id, 7) == 0 -> orders(sandbox, id + 1, deadline, add(written, cancelled(sandbox, id)))
      true -> orders(sandbox, id + 1, deadline, add(written, order(sandbox, id)))
    end
  end

  defp cancelled(sandbox, id), do: add(order(sandbox, id), cancel(sandbox, id))

  defp add(some, more), do: Map.merge(some, more, fn _op, a, b -> a + b end)
end

defmodule Demo do
  alias PgEtf.Sandbox

  @traffic 11_000

  def pgoutput?, do: System.get_env("PLUGIN") == "pgoutput"

  def main do
    started = System.monotonic_time(:millisecond)
    keep? = System.get_env("KEEP", "") != ""
    {how, start} = reader()
    say("starting a private PostgreSQL")
    {:ok, sandbox} = Sandbox.start_link([database: "shop", keep: keep?] ++ plugin())
    Demo.Replica.new()
    Demo.Shop.create(sandbox)
    {:ok, reader} = sandbox |> Sandbox.connection() |> start.()
    # The slot has to be there before the first change.
    connected(reader, 600)
    say("PostgreSQL #{version(sandbox)}, slot \"demo\", read by #{how}#{by_plugin()}")
    page()

    ticker = spawn_link(fn -> tick(reader, 0) end)
    written = Demo.Shop.run(sandbox, @traffic)
    wait(sandbox, reader)
    Process.unlink(ticker)
    Process.exit(ticker, :kill)
    info = PgEtf.info(reader)
    GenServer.stop(reader)

    equal? = report(sandbox, written, info)
    seconds = div(System.monotonic_time(:millisecond) - started, 1000)
    leave(sandbox, keep?)
    say(if(equal?, do: "all equal", else: "NOT EQUAL") <> ", after #{seconds} seconds")
    if equal?, do: 0, else: 1
  end

  # Where it is taken the demo does without.
  defp page do
    {:ok, _} = PgEtf.Web.start_link(port: String.to_integer(System.get_env("PAGE", "4010")))
    url = PgEtf.Web.url()
    if url, do: say("look at it meanwhile: #{url}")
  end

  defp plugin, do: if(pgoutput?(), do: [plugin: false], else: [])
  defp by_plugin, do: if(pgoutput?(), do: " through pgoutput", else: "")

  defp reader do
    cond do
      System.get_env("BROADWAY", "") == "" ->
        {"PgEtf.Consumer", &Demo.Consumer.start/1}

      Code.ensure_loaded?(Broadway) ->
        {:ok, _} = Application.ensure_all_started(:broadway)
        {"Broadway, 4 processors", &apply(Demo.Pipeline, :start, [&1])}

      true ->
        say("Broadway is not there (set BROADWAY_LIBS): without it")
        {"PgEtf.Consumer", &Demo.Consumer.start/1}
    end
  end

  defp tick(server, before) do
    Process.sleep(1000)
    total = Demo.Replica.total()
    info = PgEtf.info(server)

    IO.puts(
      "  #{number(total)} changes received, #{number(total - before)}/s, " <>
        "#{info.lag || 0} ms behind the commit, #{info.in_flight} in flight"
    )

    tick(server, total)
  end

  # Not for a position: an idle server may tell none for 15 seconds.
  defp connected(_server, 0), do: say("the stream did not connect")

  defp connected(server, attempts) do
    unless PgEtf.info(server).status == :connected do
      Process.sleep(50)
      connected(server, attempts - 1)
    end
  end

  # All is read when the position has reached where the server was.
  defp wait(sandbox, server, attempts \\ 600) do
    {:ok, target} =
      sandbox
      |> Sandbox.psql!("SELECT pg_current_wal_lsn()")
      |> String.trim()
      |> PgEtf.Lsn.parse()

    reached(server, target, attempts)
  end

  defp reached(_server, _target, 0), do: say("the stream did not reach the server's position")

  defp reached(server, target, attempts) do
    info = PgEtf.info(server)

    unless (info.position || 0) >= target and info.in_flight == 0 do
      Process.sleep(50)
      reached(server, target, attempts - 1)
    end
  end

  defp report(sandbox, written, info) do
    say("what this proved")
    received = Map.new(:ets.tab2list(Demo.Count))

    changes =
      for op <- [:insert, :update, :delete, :truncate] do
        line("#{op}s", Map.get(written, op, 0), Map.get(received, op, 0))
      end

    tables =
      for {table, there, here, equal?} <- Demo.Proof.rows(sandbox) do
        line("rows of #{table}, by value", there, here) and equal?
      end

    ghosts = Enum.count(Demo.Replica.rows("orders"), &(&1["customer"] == "nobody"))
    undone = line("rows rolled back", 0, ghosts)
    confirmed = PgEtf.Lsn.to_string(info.position || 0)
    IO.puts("  confirmed to the server up to #{confirmed}")
    Enum.all?(changes ++ tables ++ [undone])
  end

  defp line(what, written, received) do
    mark = if written == received, do: "=", else: "IS NOT"

    IO.puts(
      "  #{String.pad_trailing(what, 28)} #{String.pad_leading(number(written), 8)} " <>
        "#{mark} #{number(received)}"
    )

    written == received
  end

  defp leave(sandbox, false), do: GenServer.stop(sandbox)

  defp leave(sandbox, true) do
    %{dir: dir, bindir: bindir, username: username, database: database} = Sandbox.info(sandbox)
    # Started by root it runs as somebody else, who alone can stop it.
    %{uid: uid} = File.stat!(dir)
    user = if System.cmd("id", ["-u"]) == {"0\n", 0}, do: "setpriv --reuid=#{uid} ", else: ""

    IO.puts("""

      The database is kept:
        psql -h #{dir} -U #{username} #{database}
      To end it:
        #{user}#{bindir}/pg_ctl -D #{dir}/data -m fast stop && rm -r #{dir}
    """)
  end

  defp version(sandbox) do
    %{version: version} = Sandbox.info(sandbox)
    "#{div(version, 10_000)}.#{rem(version, 10_000)}"
  end

  defp say(text), do: IO.puts("\n== #{text}")

  defp number(n) when n >= 1000 do
    "#{number(div(n, 1000))},#{n |> rem(1000) |> to_string() |> String.pad_leading(3, "0")}"
  end

  defp number(n), do: to_string(n)
end

System.halt(Demo.main())
