defmodule PgEtf.Integration.TypesTest do
  use PgEtf.Integration, async: true

  import PgEtf.TypeValues

  alias PgEtf.{Change, Frame}
  alias PgEtf.Decode.Read

  # A row that is read is the row of its insert.
  @forms [
    "dialect=elixir",
    "dialect=elixir,rows=tuple,keys=atom",
    "dialect=erlang",
    "dialect=erlang,rows=tuple",
    "dialect=compact,rows=tuple",
    "dialect=compact,rows=tuple,uuid=text"
  ]

  @tag_term ~S('\x6105')

  test "every type is what Postgrex returns, as a column and in an array", %{sandbox: sandbox} do
    Sandbox.psql!(sandbox, types_ddl())
    values = type_values(Sandbox.info(sandbox).version)

    columns =
      for {{type, sql, term}, i} <- Enum.with_index(values) do
        element = if String.ends_with?(type, "[]"), do: type, else: type <> "[]"
        {"c#{i}", type, sql, term, element}
      end

    definitions =
      Enum.map_join(columns, ", ", fn {name, type, _, _, array} ->
        "#{name} #{type}, #{name}_null #{type}, #{name}_array #{array}"
      end)

    {table, slot} = prepare(sandbox, "id int PRIMARY KEY, " <> definitions)

    inserted =
      Enum.map_join(columns, ", ", fn {_, type, sql, _, array} ->
        if type == array,
          do: "#{sql}, NULL, #{sql}",
          else: "#{sql}::#{type}, NULL, ARRAY[#{sql}::#{type}, NULL]"
      end)

    create_slot(sandbox, peeked = name("peeked"))
    Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (1, #{inserted})")
    {:ok, consumer} = consume(sandbox, slot)
    [%{record: record}] = changes(1)
    compare_with_postgrex(sandbox, table, record, columns)
    create_extension(sandbox)
    assert read(sandbox, table) == record
    for form <- @forms, do: compare_with_read(sandbox, peeked, table, form)

    for {name, type, sql, term, array} <- columns do
      assert {type, sql, record[name]} == {type, sql, term}
      assert {type, record[name <> "_null"]} == {type, nil}
      expected = if type == array, do: term, else: [term, nil]
      assert {array, sql, record[name <> "_array"]} == {array, sql, expected}
    end

    GenServer.stop(consumer)
  end

  defp read(sandbox, table) do
    template = %Change{op: nil, commit_lsn: nil, index: nil}
    sql = "SELECT etf_read('#{table}', '{dialect=compact,rows=tuple,uuid=text}', #{@tag_term})"
    [{:read, 5, 1, _} = frame, {:read_end, 5, %{rows: 1, more: false}}] = terms(sandbox, sql)
    {:ok, [%{record: record}], _decoder} = Read.decode(Frame.decoder(), frame, template)
    record
  end

  defp compare_with_read(sandbox, slot, table, form) do
    options = form |> String.split(["=", ","]) |> Enum.map_join(", ", &"'#{&1}'")
    changes = "pg_logical_slot_peek_binary_changes('#{slot}', NULL, NULL, #{options})"
    [{:tx, :whole, _, 0, 1, %{}, events}] = terms(sandbox, "SELECT data FROM #{changes}")
    [{:relation, _, _, _, _, _} = relation, {:insert, oid, row}] = events

    [frame, _end] = terms(sandbox, "SELECT etf_read('#{table}', '{#{form}}', #{@tag_term})")

    assert frame == {:read, 5, 1, [relation, {:read, oid, row}]}
  end

  defp terms(sandbox, sql) do
    sql = "SELECT encode(frame, 'hex') FROM (#{sql}) AS frames (frame)"

    for hex <- sandbox |> Sandbox.psql!(sql) |> String.split() do
      hex |> Base.decode16!(case: :lower) |> :erlang.binary_to_term()
    end
  end

  # Where ours departs from Postgrex: see docs/types.md. A uuid is text, as Ecto shows
  # it; Postgrex reads an infinite date as one of the year 5881610, and in an array it
  # does not see the precision that a domain has.
  @ours [
    {"uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"},
    {"date", "'infinity'"},
    {"daterange", "'[2024-01-01,infinity)'"},
    {"moment", "'2024-01-02 03:04:05+00'"}
  ]

  if Code.ensure_loaded?(Postgrex) do
    Postgrex.Types.define(PgEtf.Integration.PostgrexTypes, [],
      json: Enum.find([JSON, Jason], &Code.ensure_loaded?/1),
      allow_infinite_timestamps: true,
      allow_infinite_intervals: true
    )

    defp compare_with_postgrex(sandbox, table, record, columns) do
      {:ok, _} = Application.ensure_all_started(:postgrex)
      opts = [types: PgEtf.Integration.PostgrexTypes] ++ Sandbox.connection(sandbox)

      compared =
        for {name, type, sql, _term, _array} <- columns,
            {type, sql} not in @ours,
            column <- [name, name <> "_null", name <> "_array"] do
          case query(opts, "SELECT #{column} FROM #{table}") do
            {:ok, value} -> {type, record[column], value}
            :unsupported -> type
          end
        end

      {unsupported, read} = Enum.split_with(compared, &is_binary/1)
      unsupported = Enum.join(Enum.uniq(unsupported), " ")
      IO.puts("#{length(read)} values compared with Postgrex, which does not read #{unsupported}")
      assert [] == for({type, ours, theirs} <- read, ours != theirs, do: {type, ours, theirs})
    end

    # Postgrex raises for types that it does not know, and for 24:00:00, which ends its
    # connection, and after a few of them all that is left of it.
    defp query(opts, sql) do
      {:ok, conn} = Postgrex.start_link(opts)
      Process.unlink(conn)

      try do
        case Postgrex.query(conn, sql, []) do
          {:ok, %{rows: [[value]]}} -> {:ok, value}
          {:error, _} -> :unsupported
        end
      rescue
        _ -> :unsupported
      after
        GenServer.stop(conn)
      end
    end
  else
    defp compare_with_postgrex(_sandbox, _table, _record, _columns), do: @ours
  end

  test "arrays keep their dimensions", %{sandbox: sandbox} do
    {table, slot} = prepare(sandbox, "a int[], b date[], c text[], d uuid[]")

    Sandbox.psql!(sandbox, """
    INSERT INTO #{table} VALUES ('{{1,2},{3,NULL}}', '{{2024-01-01},{2024-01-02}}', '{}',
      ARRAY[[['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid]]])
    """)

    {:ok, consumer} = consume(sandbox, slot)

    assert [%{record: record, key: nil}] = changes(1)

    assert record == %{
             "a" => [[1, 2], [3, nil]],
             "b" => [[~D[2024-01-01]], [~D[2024-01-02]]],
             "c" => [],
             "d" => [[["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]]]
           }

    GenServer.stop(consumer)
  end

  test "a table that changes is read by the definition of the time", %{sandbox: sandbox} do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY, at date")

    Sandbox.psql!(sandbox, """
    INSERT INTO #{table} VALUES (1, '2024-01-01');
    ALTER TABLE #{table} ADD n numeric DEFAULT 1.5;
    INSERT INTO #{table} VALUES (2, '2024-01-02');
    ALTER TABLE #{table} DROP at;
    UPDATE #{table} SET n = 2 WHERE id = 1;
    """)

    {:ok, consumer} = consume(sandbox, slot)
    assert [first, second, third] = changes(3)
    assert first.record == %{"id" => 1, "at" => ~D[2024-01-01]}
    assert second.record == %{"id" => 2, "at" => ~D[2024-01-02], "n" => decimal(1, 15, -1)}
    assert third.record == %{"id" => 1, "n" => decimal(1, 2, 0)}
    GenServer.stop(consumer)
  end
end
