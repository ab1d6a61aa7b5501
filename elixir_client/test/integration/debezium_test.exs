defmodule PgEtf.Integration.DebeziumTest do
  # The same envelopes as those of pg_etf_client --print=debezium, over values of every
  # type. That those are right is held by test/client/t/debezium.pl.
  use PgEtf.Integration, async: true

  alias PgEtf.{Change, Debezium}
  alias PgEtf.Client.Port, as: Program
  alias PgEtf.Integration.Collector
  alias PgEtf.Web.JSON

  # Types, and values of them.
  @values [
    {"bool", ["true", "false"]},
    {"int2", ["-32768"]},
    {"int8", ["-9223372036854775808"]},
    {"oid", ["4294967295"]},
    {"float4", ["'0.1'", "'NaN'", "'Infinity'"]},
    {"float8", ["'0.1'", "'-Infinity'", "1e300"]},
    {"numeric", ["12.50", "'NaN'", "-0.000000000000000001", "1e40", "0.00", "-5"]},
    {"money", ["-1234.56"]},
    {"text", [~S(E'a"\\\t\nb\u2028'), "'Zoë'", "''"]},
    {"char(4)", ["'ab'"]},
    {~s("char"), [~S('\377'), "'a'"]},
    {"xml", ["'<a>1</a>'"]},
    {"bytea", [~S('\x00ff10'), "'abc'", "''"]},
    {"uuid", ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"]},
    {"date", ["'2024-02-29'", "'0044-03-15 BC'", "'infinity'", "'-infinity'", "'20000-01-01'"]},
    {"time", ["'03:04:05.000006'", "'24:00'"]},
    {"time(3)", ["'03:04:05.678'"]},
    {"timetz", ["'03:04:05.5+02'", "'01:00-05'"]},
    {"timestamp", ["'2024-01-02 03:04:05.000006'", "'1969-12-31 23:59:59.5'", "'infinity'"]},
    {"timestamp(0)", ["'1969-12-31 23:59:59'", "'-infinity'"]},
    {"timestamptz",
     ["'2024-01-02 03:04:05+02'", "'infinity'", "'20000-01-01'", "'0001-01-01 BC'"]},
    {"timestamptz(2)", ["'2024-01-02 03:04:05.67+02'"]},
    {"timestamptz(0)", ["'2024-01-02 03:04:05+02'"]},
    {"interval",
     ["'1 day 02:03:04.5'", "'14 mons'", "'-5 mons -00:00:00.5'", "'178000000 years'"]},
    {"json", [~s('{"b": 1, "a" : [1.50, null]}'), "'null'"]},
    {"jsonb", [~s('{"b": 1, "a" : [1.50, null]}')]},
    {"inet",
     ~w('10.0.0.1' '10.0.0.1/8' '::1' '::2' '::' '2001:db8::1/64' '1:0:0:2::3' '::ffff:1.2.3.4'
        '::1.2.3.4' '1:2:3:4:5:6:7:8' '1:0:2:0:3:0:4:0' 'fe80::')},
    {"cidr", ["'10.0.0.0/8'", "'10.1.2.3/32'"]},
    {"macaddr", ["'08:00:2b:01:02:03'"]},
    {"macaddr8", ["'08:00:2b:01:02:03:04:05'"]},
    {"tsvector", [~S($$'a':1A,2 'it''s' 'b\\c':3B$$), "''"]},
    {"int4range", ["'[1,5]'", "'empty'", "'(,)'", "'[3,)'"]},
    {"numrange", ["'(1.50,2]'"]},
    {"daterange", ["'[2024-01-01,infinity)'", "'[0044-03-15 BC,2024-01-01)'"]},
    {"tsrange", ["'[2024-01-01 00:00,2024-01-02 03:04:05.67]'"]},
    {"tstzrange", ["'[0044-03-15 00:00+00 BC,2024-01-02 03:04:05+00]'"]},
    {"textrange", [~S|'["a b","c\"\\d")'|, ~s|'["",)'|]},
    {"int4[]", ["'{1,NULL,3}'", "'{{1,2},{3,4}}'", "'{}'"]},
    {"text[]", [~s('{a,NULL,""}')]},
    {"numeric[]", ["'{1.50,NaN}'"]},
    {"date[]", ["'{{2024-01-01,NULL},{infinity,2024-01-02}}'"]},
    {"bytea[]", [~S('{"\\x00ff"}')]},
    {"jsonb[]", [~S('{"{\"a\": 1}"}')]},
    {"int4range[]", [~s('{"[1,5]",empty}')]},
    {"timestamptz[]", ["'{2024-01-01}'"]},
    {"bit(1)", ["B'1'", "B'0'"]},
    {"bit(10)", ["B'1000000001'", "B'0000000000'"]},
    {"varbit", ["B'101'", "B''", "B'11111111'"]},
    {"point", ["'(1,2.5)'", "'(Infinity,0)'"]},
    {"line", ["'{1,2,3}'"]},
    {"lseg", ["'(1,2),(3,4)'"]},
    {"box", ["'(1,2),(3,4)'"]},
    {"path", ["'[(1,2),(3,4)]'", "'((1,2))'"]},
    {"polygon", ["'((1,2),(3,4))'"]},
    {"circle", ["'<(1,2),3>'"]},
    {"mood", ["'sad'"]},
    {"amount", ["'1.50'"]},
    {"months", ["'[2024-01-01,2024-02-01)'"]},
    {"pair", [~s|ROW('2024-01-01', 1.50, '{"a": 1}', ARRAY['x'])|]},
    {"tid", ["'(1,2)'"]},
    {"pg_lsn", ["'1/2'"]}
  ]

  @schema """
  CREATE TYPE mood AS ENUM ('sad', 'ok');
  CREATE TYPE textrange AS RANGE (subtype = text);
  CREATE DOMAIN amount AS numeric;
  CREATE DOMAIN months AS daterange;
  CREATE TYPE pair AS (day date, sum numeric, doc jsonb, "odd ""name" text[]);
  """

  setup %{sandbox: sandbox} do
    slots = {name("c"), name("elixir")}
    {:ok, slots: slots, connection: Sandbox.connection(sandbox)}
  end

  # What the program prints, up to now.
  defp lines(connection, slot, sandbox) do
    {:ok, program} = Program.find()
    to = sandbox |> Sandbox.psql!("SELECT pg_current_wal_lsn()") |> String.trim()

    args = ~w(-S #{slot} --print=debezium --endpos #{to} -o messages=on)

    database =
      "host=#{connection[:socket_dir]} user=#{connection[:username]} " <>
        "dbname=#{connection[:database]}"

    {output, 0} = System.cmd(program, ["-d", database | args], stderr_to_stdout: false)
    String.split(output, "\n", trim: true)
  end

  defp receive_changes(count) do
    for _ <- 1..count do
      assert_receive {:change, change}, 60_000
      change
    end
  end

  # The server compares: it reads JSON. When it was read cannot be the same.
  defp assert_same(sandbox, line, envelope) do
    times = "'{ts_ms,ts_us,ts_ns}'::text[]"
    json = envelope |> JSON.encode() |> IO.iodata_to_binary()

    assert "t\n" ==
             Sandbox.psql!(
               sandbox,
               "SELECT $c$#{line}$c$::jsonb - #{times} = $c$#{json}$c$::jsonb - #{times}"
             ),
           "printed:\n#{line}\nmade:\n#{json}"
  end

  test "equal those that are printed", %{sandbox: sandbox, slots: {c, elixir}, connection: at} do
    columns = for {{type, _}, n} <- Enum.with_index(@values), do: ~s(c#{n} #{type})
    Sandbox.psql!(sandbox, @schema)
    Sandbox.psql!(sandbox, "CREATE TABLE v (id serial PRIMARY KEY, #{Enum.join(columns, ", ")})")
    for slot <- [c, elixir], do: create_slot(sandbox, slot)

    for {{_type, values}, n} <- Enum.with_index(@values) do
      Sandbox.psql!(sandbox, "INSERT INTO v (c#{n}) VALUES (#{Enum.join(values, "), (")})")
    end

    Sandbox.psql!(sandbox, """
    CREATE TABLE w (id int PRIMARY KEY, note text, raw bytea, list text[], "odd ""name" int);
    ALTER TABLE w ALTER note SET STORAGE EXTERNAL, ALTER raw SET STORAGE EXTERNAL,
      ALTER list SET STORAGE EXTERNAL;
    INSERT INTO w VALUES (1, repeat('x', 5000), decode(repeat('00', 5000), 'hex'),
      array_fill('y'::text, ARRAY[3000]));
    UPDATE w SET id = 2;
    UPDATE w SET "odd ""name" = 1;
    DELETE FROM w;
    ALTER TABLE w REPLICA IDENTITY FULL;
    INSERT INTO w VALUES (3, 'n');
    UPDATE w SET note = 'm';
    DELETE FROM w;
    TRUNCATE v, w;
    SELECT pg_logical_emit_message(true, 'p', 'content');
    """)

    lines = lines(at, c, sandbox)
    opts = options(sandbox, elixir, Debezium.options() ++ [messages: true])
    start_supervised!({PgEtf.Consumer, {Collector, %{test: self()}, opts}})
    # A truncate is one change, and a line for each of its tables.
    changes = receive_changes(length(lines) - 1)
    envelopes = Enum.flat_map(changes, &Debezium.envelopes(&1, name: c, db: at[:database]))
    assert length(envelopes) == length(lines)
    for {line, envelope} <- Enum.zip(lines, envelopes), do: assert_same(sandbox, line, envelope)
  end

  test "types that are missing are told" do
    change = %Change{op: :insert, commit_lsn: 8, index: 0, record: %{"id" => 1}}
    assert_raise ArgumentError, ~r/PgEtf.Debezium.options/, fn -> Debezium.envelope(change) end
    change = %{change | record: %{"doc" => %{"a" => 1}}, types: %{"doc" => {3802, -1, "jsonb"}}}
    assert_raise ArgumentError, ~r/PgEtf.Debezium.options/, fn -> Debezium.envelope(change) end
  end

  test "a row that was read, and what is no row" do
    change = %Change{
      op: :read,
      commit_lsn: 8,
      index: nil,
      record: %{id: 1},
      types: %{id: {23, -1, "int4"}}
    }

    envelope = Debezium.envelope(change)
    assert %{"op" => "r", "before" => nil, "after" => %{"id" => 1}} = envelope
    assert %{"snapshot" => "true", "sequence" => ~s([null,"8"])} = envelope["source"]
    assert Debezium.envelopes(%Change{op: :schema, commit_lsn: 8, index: 0}) == []
    assert_raise ArgumentError, ~r/:nmae/, fn -> Debezium.envelopes(change, nmae: "shop") end
  end
end
