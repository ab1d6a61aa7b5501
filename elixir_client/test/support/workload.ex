defmodule PgEtf.Workload do
  @moduledoc false
  # Random transactions, as SQL for psql: on a table of every type, large values that stay as
  # they are, keys that change, every kind of identity, partitions, truncates, savepoints,
  # prepared transactions, and in a second session some that are large.

  import PgEtf.Gen

  alias PgEtf.TypeValues

  @ids 1..24

  @doc "The tables. Only those of `keyless/0` have no identity: they take no updates."
  def ddl(version) do
    columns = for {{type, _}, i} <- columns(version), do: ", c#{i} #{type}"

    """
    #{TypeValues.types_ddl()}
    CREATE TABLE wide (id int PRIMARY KEY, big text#{columns});
    ALTER TABLE wide ALTER big SET STORAGE EXTERNAL;
    CREATE TABLE whole (id int PRIMARY KEY, v text, big text);
    ALTER TABLE whole ALTER big SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
    CREATE TABLE coded (v text, code text NOT NULL UNIQUE);
    ALTER TABLE coded REPLICA IDENTITY USING INDEX coded_code_key;
    CREATE TABLE keyless (v text);
    CREATE TABLE made (id int PRIMARY KEY, doc xml, v int,
      twice int GENERATED ALWAYS AS (v * 2) STORED);
    CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
    CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (12);
    CREATE TABLE high PARTITION OF parts FOR VALUES FROM (12) TO (1000);
    CREATE TABLE later (id serial PRIMARY KEY, v text);
    CREATE TABLE large (id int PRIMARY KEY, v text);
    CREATE TABLE finish (id int PRIMARY KEY);
    """
  end

  @doc "Whatever can differ, once."
  def prelude do
    """
    INSERT INTO made VALUES (0, '<?xml version="1.0"?><a/>', 1);
    INSERT INTO parts VALUES (1, 'low'), (20, 'high');
    TRUNCATE parts;
    INSERT INTO large SELECT -id, repeat('x', 600) FROM generate_series(1, 1000) AS id;
    """
  end

  @doc "So many transactions, of a session of its own."
  def small(version, count) do
    several =
      one_of([
        transaction(version),
        transaction(version),
        transaction(version),
        prepared(version),
        truncate()
      ])

    several |> list(count..count) |> map(&Enum.join/1)
  end

  @doc "So many large ones, of another session."
  def large(count) do
    integer(0..2000) |> map(&large_transaction/1) |> list(count..count) |> map(&Enum.join/1)
  end

  defp large_transaction(n) do
    """
    BEGIN;
    INSERT INTO large SELECT id, repeat(md5(id::text), 16) FROM generate_series(#{n}, #{n + 300}) AS id
      ON CONFLICT DO NOTHING;
    SAVEPOINT a;
    UPDATE large SET v = v || 'x' WHERE id BETWEEN #{n} AND #{n + 100};
    #{if rem(n, 2) == 0, do: "ROLLBACK TO a;"}
    DELETE FROM large WHERE id > #{n + 200};
    #{if rem(n, 5) == 0, do: "ROLLBACK", else: "COMMIT"};
    """
  end

  defp transaction(version) do
    statements = version |> statement() |> list(1..5) |> map(&Enum.join/1)

    one_of([
      map(statements, &"BEGIN;\n#{&1}COMMIT;\n"),
      map(statements, &"BEGIN;\n#{&1}ROLLBACK;\n"),
      map(fixed_list([statements, statements, statements]), fn [first, gone, last] ->
        "BEGIN;\n#{first}SAVEPOINT a;\n#{gone}ROLLBACK TO a;\n#{last}COMMIT;\n"
      end),
      message(version)
    ])
  end

  # Its rows are locked until the decision: nobody else has them.
  defp prepared(version) do
    map(fixed_list([text(), transaction(version), one_of(~w(COMMIT ROLLBACK) |> words())]), fn
      [text, meanwhile, decision] ->
        """
        BEGIN;
        INSERT INTO later (v) VALUES (#{text});
        UPDATE later SET id = -id WHERE id = (SELECT max(id) FROM later);
        PREPARE TRANSACTION 'a';
        #{meanwhile}#{decision} PREPARED 'a';
        """
    end)
  end

  defp words(list), do: Enum.map(list, &constant/1)

  defp truncate do
    ["wide", "parts", "made, whole RESTART IDENTITY", "keyless, low", "coded CASCADE"]
    |> words()
    |> one_of()
    |> map(&"TRUNCATE #{&1};\n")
  end

  # One of a savepoint that is rolled back can come all the same with a stream.
  defp message(version) when version < 140_000, do: constant("")

  defp message(_version) do
    map(fixed_list([one_of(words(~w(true false))), text()]), fn [transactional, text] ->
      "SELECT count(pg_logical_emit_message(#{transactional}, 'app', #{text})) > 9;\n"
    end)
  end

  defp statement(version) do
    one_of([
      insert(["wide"], [big() | for({value, _} <- columns(version), do: value(value))]),
      change_wide(version),
      change_wide(version),
      move(["wide", "whole", "parts", "made"]),
      delete(["wide", "whole", "parts", "made"]),
      insert(["whole"], [text(), big()]),
      set("whole", [{"v", text()}]),
      set("whole", [{"big", big()}]),
      insert(["parts"], [text()]),
      set("parts", [{"v", text()}]),
      insert(["made"], [one_of(words(["NULL", "'<a/>'", ~s('<?xml version="1.0"?><b/>')])), int()]),
      set("made", [{"v", int()}]),
      map(text(), &"INSERT INTO keyless VALUES (#{&1});\n"),
      map(text(), &"INSERT INTO coded VALUES ('v', #{&1}) ON CONFLICT DO NOTHING;\n"),
      map(text(), &"UPDATE coded SET v = #{&1} WHERE code = (SELECT max(code) FROM coded);\n"),
      map(
        text(),
        &"UPDATE coded SET code = code || #{&1} WHERE code = (SELECT min(code) FROM coded) AND code || #{&1} NOT IN (SELECT code FROM coded);\n"
      ),
      constant("DELETE FROM coded WHERE code = (SELECT min(code) FROM coded);\n")
    ])
  end

  defp insert(tables, values) do
    map(fixed_list([one_of(words(tables)), integer(@ids) | values]), fn [table | values] ->
      "INSERT INTO #{table} VALUES (#{Enum.join(values, ", ")}) ON CONFLICT DO NOTHING;\n"
    end)
  end

  defp change_wide(version) do
    columns = version |> columns() |> Enum.map(fn {type, i} -> {"c#{i}", value(type)} end)
    bind(shuffle(columns), fn columns -> set("wide", Enum.take(columns, 3)) end)
  end

  defp set(table, columns) do
    {names, values} = Enum.unzip(columns)

    map(fixed_list([integer(@ids) | values]), fn [id | values] ->
      set =
        names
        |> Enum.zip(values)
        |> Enum.map_join(", ", fn {name, value} -> "#{name} = #{value}" end)

      "UPDATE #{table} SET #{set} WHERE id BETWEEN #{id} AND #{id + 2};\n"
    end)
  end

  defp move(tables) do
    map(fixed_list([one_of(words(tables)), integer(@ids), integer(@ids)]), fn [table, from, to] ->
      "UPDATE #{table} SET id = #{to} WHERE id = #{from} AND #{to} NOT IN (SELECT id FROM #{table});\n"
    end)
  end

  defp delete(tables) do
    map(fixed_list([one_of(words(tables)), integer(@ids)]), fn [table, id] ->
      "DELETE FROM #{table} WHERE id = #{id};\n"
    end)
  end

  ## Values

  # {{type, SQL of one value}, number}
  defp columns(version) do
    values = for {type, sql, _term} <- TypeValues.type_values(version), do: {type, sql}
    Enum.with_index(values)
  end

  defp value({type, sql}) do
    one_of([
      constant("NULL"),
      constant("#{sql}::#{type}"),
      random(type) || constant("#{sql}::#{type}")
    ])
  end

  defp random("int2"), do: map(integer(-32_768..32_767), &"(#{&1})")
  defp random("int4"), do: int()
  defp random("int8"), do: map(integer(-(2 ** 62)..(2 ** 62)), &"(#{&1})")
  defp random("float8"), do: map(integer(-(10 ** 9)..(10 ** 9)), &"(#{&1} / 7::float8)")
  defp random("float4"), do: map(integer(-(10 ** 9)..(10 ** 9)), &"(#{&1} / 7::float4)")
  defp random("numeric" <> _), do: map(fixed_list([int(), integer(4..9)]), &decimal/1)
  defp random("bool"), do: one_of(words(~w(true false)))
  defp random("text"), do: text()
  defp random("bytea"), do: map(binary(0..20), &"'\\x#{Base.encode16(&1)}'")
  defp random("uuid"), do: map(binary(16..16), &"'#{Base.encode16(&1)}'::uuid")
  defp random("date"), do: map(integer(-400_000..400_000), &"('2000-01-01'::date + (#{&1}))")

  defp random("timestamp" <> _),
    do: map(int(), &"('2000-01-01'::timestamptz + #{&1} * '1.000007 s'::interval)")

  defp random("interval"), do: map(int(), &"(#{&1} * '1 day 1.000001 s'::interval)")

  defp random("json" <> _ = type),
    do:
      map(
        fixed_list([int(), text()]),
        &"jsonb_build_object('n', #{hd(&1)}, 't', #{List.last(&1)})::#{type}"
      )

  defp random("int4range"), do: map(int(), &"int4range(NULL, #{&1})")
  defp random(_type), do: nil

  defp decimal([int, scale]), do: "(#{int} / 1e#{scale}::numeric)"

  defp int, do: map(integer(-(2 ** 30)..(2 ** 30)), &"(#{&1})")

  defp text do
    map(
      list(one_of(words(["a", "B", " ", "''", "\\", "\"", "é", "€", "😀", "{}", ","])), 0..9),
      &"'#{Enum.join(&1)}'"
    )
  end

  # Beyond what a page holds, and not to be compressed.
  defp big, do: map(integer(0..9), &"repeat('#{&1}', #{if &1 < 3, do: 9, else: 3000 + &1})")
end
