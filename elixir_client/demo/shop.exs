# A small shop on a private PostgreSQL, and its changes as Elixir terms.
#
#   make demo                the plain OTP consumer
#   make demo BROADWAY=1     the same through Broadway, where Hex or BROADWAY_LIBS has it
#   make demo KEEP=1         leaves the database for a look
#
# Ends by itself after about 20 seconds, with status 1 when a row is missing, is
# there twice, or has another value than in the database.

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

defmodule Demo.Replica do
  # What the changes add up to: the rows of each table, kept beside the database.

  @doc "Tables for rows, counters and samples, owned by the caller."
  def new do
    for name <- [__MODULE__, Demo.Count, Demo.Sample] do
      :ets.new(name, [:named_table, :public, write_concurrency: true])
    end
  end

  def apply(change) do
    show(change)
    count(change.op, 1)
    store(change)
  end

  def count(what), do: :ets.lookup_element(Demo.Count, what, 2)
  def count(what, n), do: :ets.update_counter(Demo.Count, what, n, {what, 0})
  def total, do: :ets.foldl(fn {_, n}, sum -> sum + n end, 0, Demo.Count)

  def rows(table), do: :ets.select(__MODULE__, [{{{table, :_}, :"$1"}, [], [:"$1"]}])

  defp store(%{op: :insert} = change) do
    # A row that comes twice must not look like one.
    true = :ets.insert_new(__MODULE__, {{change.table, change.key}, change.record})
  end

  defp store(%{op: :update, table: table} = change) do
    [{_, old}] = :ets.take(__MODULE__, {table, change.key})
    key = Map.take(change.record, Map.keys(change.key))
    :ets.insert(__MODULE__, {{table, key}, Map.merge(old, change.record)})
  end

  defp store(%{op: :delete} = change), do: :ets.delete(__MODULE__, {change.table, change.key})

  defp store(%{op: :truncate} = change) do
    for {_schema, table} <- change.truncated do
      :ets.match_delete(__MODULE__, {{table, :_}, :_})
    end
  end

  # The first change of its kind is shown whole.
  defp show(change) do
    if :ets.insert_new(Demo.Sample, {{change.table, change.op}, change.index}) do
      term =
        change
        |> Map.take([:op, :table, :record, :old_record, :key, :unchanged_toast, :truncated])
        |> Map.reject(fn {_, value} -> value in [nil, []] end)
        |> inspect(pretty: true, width: 96, limit: 20, printable_limit: 60)

      lsn = PgEtf.Lsn.to_string(change.commit_lsn)
      IO.puts(["\n", "transaction #{change.xid}, #{lsn}, change #{change.index}", "\n", term])
    end
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

  def opts(connection), do: [connection: connection, slot: "demo"]
end

if Code.ensure_loaded?(Broadway) do
  defmodule Demo.Pipeline do
    use Broadway

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
    SELECT pg_create_logical_replication_slot('demo', 'pg_etf_decoding');
    """)
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

defmodule Demo.Proof do
  # The database itself compares: the rows that were received go back into it, and
  # EXCEPT tells which are not the same.

  alias PgEtf.Sandbox

  @tables ~w(orders order_items carts prices)

  def rows(sandbox) do
    for table <- @tables do
      rows = Demo.Replica.rows(table)

      Sandbox.psql!(sandbox, [
        "CREATE TABLE received_#{table} (LIKE #{table});\n",
        inserts(table, rows)
      ])

      [here, there, missing, extra] =
        sandbox
        |> Sandbox.psql!("""
        SELECT (SELECT count(*) FROM #{table}), (SELECT count(*) FROM received_#{table}),
          (SELECT count(*) FROM (TABLE #{table} EXCEPT TABLE received_#{table}) x),
          (SELECT count(*) FROM (TABLE received_#{table} EXCEPT TABLE #{table}) x)
        """)
        |> String.trim()
        |> String.split("|")
        |> Enum.map(&String.to_integer/1)

      {table, here, there, here == there and missing == 0 and extra == 0}
    end
  end

  defp inserts(table, rows) do
    for chunk <- Enum.chunk_every(rows, 1000) do
      columns = chunk |> hd() |> Map.keys()

      values =
        Enum.map_join(chunk, ",\n", fn row ->
          "(" <> Enum.map_join(columns, ", ", &literal(row[&1])) <> ")"
        end)

      "INSERT INTO received_#{table} (#{Enum.join(columns, ", ")}) VALUES\n#{values};\n"
    end
  end

  defp literal(nil), do: "NULL"
  defp literal(value) when is_integer(value), do: Integer.to_string(value)
  defp literal(value), do: "'" <> String.replace(text(value), "'", "''") <> "'"

  defp text(value) when is_binary(value), do: value
  defp text(%DateTime{} = time), do: DateTime.to_iso8601(time)
  defp text(%Date{} = date), do: Date.to_iso8601(date)
  defp text(%{__struct__: Decimal, sign: sign, coef: coef, exp: exp}), do: "#{sign * coef}e#{exp}"
  defp text(list) when is_list(list), do: "{" <> Enum.map_join(list, ",", &element/1) <> "}"

  defp text(%{__struct__: Postgrex.Range} = range) do
    [if(range.lower_inclusive, do: "[", else: "("), text(range.lower), ",", text(range.upper)]
    |> Enum.join()
    |> Kernel.<>(if range.upper_inclusive, do: "]", else: ")")
  end

  defp text(%{} = map), do: json(map)

  defp element(nil), do: "NULL"
  defp element(text), do: ~s("#{text}")

  defp json(%{} = map) do
    "{" <> Enum.map_join(map, ",", fn {key, value} -> ~s("#{key}":) <> json(value) end) <> "}"
  end

  defp json(list) when is_list(list), do: "[" <> Enum.map_join(list, ",", &json/1) <> "]"
  defp json(text) when is_binary(text), do: ~s("#{text}")
  defp json(nil), do: "null"
  defp json(value), do: to_string(value)
end

defmodule Demo do
  alias PgEtf.Sandbox

  @traffic 11_000

  def main do
    started = System.monotonic_time(:millisecond)
    keep? = System.get_env("KEEP", "") != ""
    {how, start} = reader()
    say("starting a private PostgreSQL")
    {:ok, sandbox} = Sandbox.start_link(database: "shop", keep: keep?)
    Demo.Replica.new()
    Demo.Shop.create(sandbox)
    {:ok, reader} = sandbox |> Sandbox.connection() |> start.()
    say("PostgreSQL #{version(sandbox)}, slot \"demo\", read by #{how}")

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
