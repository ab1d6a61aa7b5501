defmodule PgEtf.Integration.OddNamesTest do
  # Names, passwords and tables that nobody expects.
  use PgEtf.Integration, async: true

  alias PgEtf.Error

  # WIN1252 has no character for 0x81. SQL_ASCII has no characters at all: its bytes come
  # as they are, UTF-8 or not.
  for {encoding, byte, unconverted?} <- [{"WIN1252", 0x81, true}, {"SQL_ASCII", 0xE4, false}],
      keys <- [:strings, :atoms!, :create_atoms] do
    test "names without a form in UTF-8, #{encoding}, keys: #{inspect(keys)}", context do
      %{sandbox: sandbox} = context
      {database, slot} = {name("d"), name("s")}
      [schema, table, big] = for text <- ["s", "n", "big"], do: <<text::binary, unquote(byte)>>

      Sandbox.psql!(
        sandbox,
        "CREATE DATABASE #{database} OWNER sandbox TEMPLATE template0 " <>
          "ENCODING '#{unquote(encoding)}' LOCALE 'C'",
        username: "postgres"
      )

      Sandbox.psql!(
        sandbox,
        """
        CREATE SCHEMA "#{schema}";
        CREATE TYPE "#{schema}".pair AS ("#{table}" int, b int);
        CREATE TABLE "#{schema}"."#{table}" ("#{table}" int PRIMARY KEY, plain text,
          "#{big}" text, pair "#{schema}".pair);
        ALTER TABLE "#{schema}"."#{table}" ALTER "#{big}" SET STORAGE EXTERNAL;
        SELECT pg_create_logical_replication_slot('#{slot}', 'pg_etf_decoding');
        INSERT INTO "#{schema}"."#{table}"
          VALUES (1, '#{table}', repeat('x', 5000), ROW(1, 2)), (2, 'b', '', NULL);
        UPDATE "#{schema}"."#{table}" SET plain = 'ascii' WHERE "#{table}" = 1;
        UPDATE "#{schema}"."#{table}" SET "#{table}" = 3 WHERE "#{table}" = 2;
        DELETE FROM "#{schema}"."#{table}" WHERE "#{table}" = 3;
        SELECT pg_logical_emit_message(true, '#{table}', 'in');
        TRUNCATE "#{schema}"."#{table}";
        SELECT pg_logical_emit_message(false, '#{table}', 'alone');
        """,
        database: database
      )

      connection = Keyword.put(Sandbox.connection(sandbox), :database, database)
      opts = [connection: connection, keys: unquote(keys), messages: true]
      {:ok, consumer} = consume(sandbox, slot, opts)
      changes = changes(8)
      [first, _, update, moved, deleted, message, truncated, alone] = changes

      [schema, name, big] =
        for name <- [schema, table, big],
            do: if(unquote(unconverted?), do: {:unconverted, name}, else: name)

      plain = if unquote(keys) == :strings, do: "plain", else: :plain

      for change <- changes, change.op != :message do
        assert {change.schema, change.table} == {schema, name}
      end

      assert first.record[name] == 1
      assert first.record[plain] == name
      assert {1, 2} in Map.values(first.record)
      assert first.key == %{name => 1}
      assert update.record[plain] == "ascii"
      assert update.unchanged_toast == [big]
      assert {moved.key, moved.record[name]} == {%{name => 2}, 3}
      assert deleted.key == %{name => 3}
      assert {message.prefix, message.content} == {name, "in"}
      assert truncated.truncated == [{schema, name}]
      assert {alone.prefix, alone.content} == {name, "alone"}

      for change <- changes, do: assert(is_integer(PgEtf.partition_by(change)))
      eventually(fn -> idle?(consumer) end)
      assert %{status: :connected, error: nil} = PgEtf.info(consumer)
      GenServer.stop(consumer)
    end
  end

  test "passwords and roles with quotes, spaces and letters of any kind", %{sandbox: sandbox} do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY")
    %{dir: dir} = Sandbox.info(sandbox)
    role = ~S(o'dd "é)
    password = ~S(it's "\ é € 密 $x %20 = ')

    Sandbox.psql!(
      sandbox,
      """
      SET password_encryption = 'scram-sha-256';
      CREATE ROLE "o'dd ""é" LOGIN REPLICATION PASSWORD '#{String.replace(password, "'", "''")}';
      CREATE ROLE by_password;
      GRANT by_password TO "o'dd ""é";
      """,
      username: "postgres"
    )

    hba = Path.join(dir, "data/pg_hba.conf")
    File.write!(hba, "local all +by_password scram-sha-256\nlocal all all trust\n")
    Sandbox.psql!(sandbox, "SELECT pg_reload_conf()", username: "postgres")
    connection = Keyword.merge(Sandbox.connection(sandbox), username: role, password: password)
    {:ok, consumer} = consume(sandbox, slot, connection: connection)
    Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (1)")
    assert [%{record: %{"id" => 1}}] = changes(1)
    refute inspect(:sys.get_state(consumer)) =~ "密"
    GenServer.stop(consumer)

    {:ok, consumer} =
      consume(sandbox, slot, connection: Keyword.put(connection, :password, "wrong'"))

    assert_receive {:EXIT, ^consumer, {%Error{class: :auth} = error, []}}, 10_000
    refute Exception.message(error) =~ "wrong"
  end

  for slot <- [
        "Upper",
        "with space",
        "quo'te",
        ~S(dou"ble),
        "é",
        "a-b"
      ] do
    test "a slot that cannot be, #{inspect(slot)}, ends the stream", %{sandbox: sandbox} do
      {:ok, consumer} = consume(sandbox, unquote(slot), create_slot: true)
      assert_receive {:EXIT, ^consumer, {%Error{class: class} = error, []}}, 10_000
      assert class in [:config, :slot_missing]
      assert error.message != ""
    end
  end

  test "slots whose names are words of the language", %{sandbox: sandbox} do
    {table, _} = prepare(sandbox, "id int PRIMARY KEY")

    for slot <- ["select", "1", "_", String.duplicate("s", 63)] do
      {:ok, consumer} = consume(sandbox, slot, create_slot: :temporary)
      eventually(fn -> PgEtf.info(consumer).status == :connected end)
      Sandbox.psql!(sandbox, "INSERT INTO #{table} SELECT count(*) FROM #{table}")
      assert [%{op: :insert}] = changes(1)
      GenServer.stop(consumer)
    end
  end

  test "a table of 1,600 columns", %{sandbox: sandbox} do
    columns = Enum.map_join(2..1600, ", ", &"c#{&1} int")
    {table, slot} = prepare(sandbox, "c1 int PRIMARY KEY, #{columns}")
    {:ok, consumer} = consume(sandbox, slot)
    values = Enum.map_join(1..1600, ", ", &to_string/1)
    Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (#{values})")
    Sandbox.psql!(sandbox, "UPDATE #{table} SET c1600 = NULL")
    [inserted, updated] = changes(2)
    assert inserted.record == Map.new(1..1600, &{"c#{&1}", &1})
    assert updated.record == Map.put(inserted.record, "c1600", nil)
    GenServer.stop(consumer)
  end

  test "a truncate of 1,000 tables", %{sandbox: sandbox} do
    {_, slot} = prepare(sandbox, "id int")
    schema = name("many")

    Sandbox.psql!(sandbox, """
    CREATE SCHEMA #{schema};
    SELECT format('CREATE TABLE #{schema}.t%s (id int)', i) FROM generate_series(1, 1000) i
    \\gexec
    SELECT 'TRUNCATE ' || string_agg(format('#{schema}.t%s', i), ', ')
      FROM generate_series(1, 1000) i
    \\gexec
    """)

    {:ok, consumer} = consume(sandbox, slot)
    assert [%{op: :truncate, truncated: truncated}] = changes(1)
    assert Enum.sort(truncated) == Enum.sort(for i <- 1..1000, do: {schema, "t#{i}"})
    GenServer.stop(consumer)
  end

  test "tables and columns renamed under load keep their rows", %{sandbox: sandbox} do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY, n int")
    {:ok, consumer} = consume(sandbox, slot, max_changes: 3)

    writer =
      Task.async(fn ->
        for i <- 1..60 do
          [old, new] = if rem(i, 2) == 1, do: [table, table <> "_x"], else: [table <> "_x", table]
          [a, b] = if rem(i, 2) == 1, do: ["n", "m"], else: ["m", "n"]

          Sandbox.psql!(sandbox, """
          INSERT INTO #{old} (id, #{a}) VALUES (2 * #{i}, #{i});
          BEGIN;
          ALTER TABLE #{old} RENAME TO #{new};
          INSERT INTO #{new} (id, #{a}) VALUES (2 * #{i} + 1, #{i});
          ALTER TABLE #{new} RENAME #{a} TO #{b};
          UPDATE #{new} SET #{b} = -#{i} WHERE id = 2 * #{i};
          COMMIT;
          """)
        end
      end)

    for [one, two, three] <- Enum.chunk_every(changes(180), 3) do
      n = div(one.record["id"], 2)
      [a, b] = if rem(n, 2) == 1, do: ["n", "m"], else: ["m", "n"]
      assert one.record == %{"id" => 2 * n, a => n}
      assert two.record == %{"id" => 2 * n + 1, a => n}
      assert three.record == %{"id" => 2 * n, b => -n}
      assert two.table == three.table and one.table != two.table
    end

    Task.await(writer, 60_000)
    GenServer.stop(consumer)
  end

  test "keys: :atoms! makes no atom, whatever tables and columns are called", context do
    %{sandbox: sandbox} = context
    {_, slot} = prepare(sandbox, "id int")
    {:ok, consumer} = consume(sandbox, slot, keys: :atoms!)
    eventually(fn -> PgEtf.info(consumer).status == :connected end)
    tables = for t <- 1..20, do: {name("atoms"), for(c <- 1..100, do: "no_atom_#{t}_#{c}")}

    for {table, columns} <- tables do
      Sandbox.psql!(sandbox, """
      CREATE TABLE #{table} (id int, #{Enum.map_join(columns, ", ", &"#{&1} int")});
      INSERT INTO #{table} VALUES (1);
      """)
    end

    for change <- changes(20) do
      assert change.record["id"] == 1
      assert map_size(change.record) == 101
    end

    for {table, columns} <- tables, name <- [table | columns], do: refute(atom?(name))
    GenServer.stop(consumer)
  end

  # Whoever may write messages chooses their prefixes.
  test "prefixes of messages make no atom, however many there are", %{sandbox: sandbox} do
    slot = name("s")
    create_slot(sandbox, slot)
    prefix = name("no_atom")
    {:ok, consumer} = consume(sandbox, slot, messages: true, keys: :create_atoms)
    eventually(fn -> PgEtf.info(consumer).status == :connected end)

    Sandbox.psql!(sandbox, """
    SELECT count(pg_logical_emit_message(i % 2 = 0, '#{prefix}_' || i, i::text))
      FROM generate_series(1, 20000) i;
    SELECT pg_logical_emit_message(true, '', 'empty'),
      pg_logical_emit_message(true, 'Elixir.#{prefix}', 'module'),
      pg_logical_emit_message(true, repeat('#{prefix}', 1000), 'long');
    """)

    {numbered, odd} = Enum.split_with(changes(20_003), &(&1.content =~ ~r/^\d+$/))
    assert length(numbered) == 20_000
    for change <- numbered, do: assert(change.prefix == "#{prefix}_#{change.content}")

    assert Map.new(odd, &{&1.content, &1.prefix}) == %{
             "empty" => "",
             "module" => "Elixir.#{prefix}",
             "long" => String.duplicate(prefix, 1000)
           }

    for n <- 1..20_000, do: refute(atom?("#{prefix}_#{n}"))
    refute atom?("Elixir.#{prefix}")
    GenServer.stop(consumer)
  end

  # How many there are in the whole machine says nothing: other tests run, too.
  defp atom?(name) do
    is_atom(String.to_existing_atom(name))
  rescue
    ArgumentError -> false
  end
end
