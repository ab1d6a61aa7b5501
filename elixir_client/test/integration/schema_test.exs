defmodule PgEtf.Integration.SchemaTest do
  # What a transaction does to tables themselves, in the order of the stream.
  use PgEtf.Integration, async: true

  alias PgEtf.{Change, Command, Consumer, SchemaChange}

  setup_all %{sandbox: sandbox} do
    create_extension(sandbox)
    :ok
  end

  setup %{sandbox: sandbox} do
    slot = name("s")
    create_slot(sandbox, slot)
    %{table: name("t"), slot: slot}
  end

  defp read(world, sql, count, options \\ []) do
    Sandbox.psql!(world.sandbox, sql)
    options = Keyword.merge([tables: ["public.#{world.table}*"], ddl: :tables], options)
    {:ok, consumer} = consume(world.sandbox, world.slot, options)
    changes = changes(count)
    eventually(fn -> confirmed(world.sandbox, world.slot) >= hd(changes).end_lsn end)
    eventually(fn -> idle?(consumer) end)
    GenServer.stop(consumer)
    changes
  end

  test "each change of a table comes before the row that needs it", %{table: t} = world do
    sql = """
    CREATE TABLE #{t} (id int PRIMARY KEY, name varchar(10) NOT NULL);
    BEGIN;
    INSERT INTO #{t} VALUES (1, 'a');
    ALTER TABLE #{t} ADD at timestamptz DEFAULT '2026-01-01 UTC';
    ALTER TABLE #{t} ALTER name TYPE varchar(20);
    INSERT INTO #{t} VALUES (2, 'b');
    COMMIT;
    ALTER TABLE #{t} RENAME name TO label;
    ALTER TABLE #{t} ALTER id TYPE bigint;
    DROP TABLE #{t}
    """

    changes = read(world, sql, 7)

    assert for(c <- changes, do: {c.op, c.index, c.last?}) ==
             [
               {:schema, 0, true},
               {:insert, 0, false},
               {:schema, 1, false},
               {:insert, 1, true},
               {:schema, 0, true},
               {:schema, 0, true},
               {:schema, 0, true}
             ]

    [created, altered, renamed, rewritten, dropped] =
      for %Change{op: :schema, schema: "public", table: ^t, schema_change: c} <- changes, do: c

    assert %SchemaChange{kind: :created, before: nil} = created
    assert [%{name: "id", number: 1, primary?: true, not_null?: true}, _] = created.added
    assert %SchemaChange{kind: :altered, added: [at], retyped: [{_, _}]} = altered
    assert at.missing == {:ok, ~U[2026-01-01 00:00:00.000000Z]}
    assert SchemaChange.compatible?(altered)
    assert [{%{name: "name"}, %{name: "label"}}] = renamed.renamed
    refute SchemaChange.compatible?(renamed)
    assert %SchemaChange{kind: :rewritten, retyped: [_]} = rewritten
    refute SchemaChange.compatible?(rewritten)
    assert %SchemaChange{kind: :dropped, after: nil} = dropped
  end

  # What an event trigger writes: its triggers would speak to all tests of this server.
  defp emit(tag, table) do
    object = <<104, 3>> <> text("table") <> text("public.#{table}") <> <<97, 7>>

    command =
      IO.iodata_to_binary([
        [<<131, 116, 4::32>>, atom("tag"), text(tag), atom("text"), text("#{tag} ...")],
        [atom("objects"), <<108, 1::32>>, object, <<106>>, atom("user"), text("somebody")]
      ])

    hex = Base.encode16(command)
    "SELECT pg_logical_emit_message(true, 'pg_etf_decoding.ddl', decode('#{hex}', 'hex'))"
  end

  defp text(text), do: <<109, byte_size(text)::32, text::binary>>
  defp atom(name), do: <<119, byte_size(name), name::binary>>

  test "commands, before what they do", %{table: t} = world do
    sql = """
    BEGIN;
    CREATE TABLE #{t} (id int);
    #{emit("CREATE TABLE", t)};
    COMMIT;
    BEGIN;
    INSERT INTO #{t} VALUES (1);
    #{emit("COMMENT", t)};
    INSERT INTO #{t} VALUES (2);
    COMMIT
    """

    [command, _created, _insert, comment, _] = changes = read(world, sql, 5, ddl: :commands)

    assert for(c <- changes, do: {c.op, c.index, c.last?}) ==
             [
               {:ddl, 0, false},
               {:schema, 0, true},
               {:insert, 0, false},
               {:ddl, 1, false},
               {:insert, 1, true}
             ]

    assert command.command == %Command{
             tag: "CREATE TABLE",
             text: "CREATE TABLE ...",
             objects: [%{type: "table", identity: "public.#{t}", oid: 7}],
             user: "somebody"
           }

    assert %Command{tag: "COMMENT"} = comment.command
  end

  test "it halts behind a change, in every life, until somebody resumes", world do
    %{sandbox: sandbox, table: t, slot: slot} = world

    Sandbox.psql!(sandbox, """
    CREATE TABLE #{t} (id int PRIMARY KEY);
    INSERT INTO #{t} VALUES (1);
    ALTER TABLE #{t} ADD n int NOT NULL DEFAULT 0;
    BEGIN; INSERT INTO #{t} VALUES (2); ALTER TABLE #{t} DROP n; INSERT INTO #{t} VALUES (3); COMMIT;
    INSERT INTO #{t} VALUES (4)
    """)

    policy = [ddl: :tables, tables: ["public.#{t}"], on_schema_change: :halt_incompatible]
    {:ok, consumer} = consume(sandbox, slot, policy)
    assert [:schema, :insert, :schema, :insert, :schema] = for(c <- changes(5), do: c.op)
    eventually(fn -> PgEtf.info(consumer).status == :halted end)
    GenServer.stop(consumer)

    {:ok, consumer} = consume(sandbox, slot, policy)
    assert [insert, %{op: :schema} = dropped] = changes(2)
    assert insert.record["id"] == 2
    eventually(fn -> PgEtf.info(consumer).status == :halted end)
    assert confirmed(sandbox, slot) <= dropped.commit_lsn
    refute_received {:change, _}

    PgEtf.resume(consumer)
    assert [3, 4] = for(c <- changes(2), do: c.record["id"])
    assert {:ok, after_it} = PgEtf.schema(consumer, "public.#{t}", dropped.commit_lsn)
    assert ["id"] = for(c <- after_it.columns, do: c.name)

    assert {:ok, before} =
             PgEtf.schema(consumer, "public.#{t}", {dropped.commit_lsn, dropped.index - 1})

    assert ["id", "n"] = for(c <- before.columns, do: c.name)
    eventually(fn -> confirmed(sandbox, slot) > dropped.end_lsn end)
    GenServer.stop(consumer)
  end

  test "a table that was rewritten is read again, behind the change", world do
    %{sandbox: sandbox, table: t} = world

    Sandbox.psql!(sandbox, """
    CREATE TABLE #{t} (id int PRIMARY KEY, v text);
    INSERT INTO #{t} SELECT i, i FROM generate_series(1, 100) i;
    ALTER TABLE #{t} ALTER v TYPE int USING v::int * 2
    """)

    options = [ddl: :tables, tables: ["public.#{t}"], on_rewrite: :backfill, on_error: :halt]
    {:ok, consumer} = consume(sandbox, world.slot, options)
    assert [:schema | rows] = for(c <- changes(102), do: c.op)
    assert Enum.count(rows, &(&1 == :insert)) == 100
    reads = changes(100)
    assert Enum.all?(reads, &(&1.op == :read))
    assert Enum.sort(for(c <- reads, do: c.record["v"])) == Enum.map(1..100, &(2 * &1))
    eventually(fn -> match?([%{status: :finished}], PgEtf.backfills(consumer)) end)
    GenServer.stop(consumer)
  end

  test "a table that is new is read, behind the transaction that made it", world do
    %{sandbox: sandbox, table: t} = world

    Sandbox.psql!(sandbox, """
    BEGIN; CREATE TABLE #{t} (id int PRIMARY KEY);
    INSERT INTO #{t} SELECT generate_series(1, 100); COMMIT
    """)

    options = [ddl: :tables, tables: ["public.#{t}"], on_new_table: :backfill, on_error: :halt]
    {:ok, consumer} = consume(sandbox, world.slot, options)
    assert [:schema | rows] = for(c <- changes(101), do: c.op)
    assert Enum.all?(rows, &(&1 == :insert))
    reads = changes(100)
    assert Enum.all?(reads, &(&1.op == :read))
    assert Enum.sort(for(c <- reads, do: c.record["id"])) == Enum.to_list(1..100)
    eventually(fn -> match?([%{status: :finished}], PgEtf.backfills(consumer)) end)
    GenServer.stop(consumer)
  end

  defmodule Whole do
    @behaviour Consumer

    @impl true
    def handle_transaction(transaction, test) do
      send(test, {:transaction, transaction})
      {:ok, test}
    end
  end

  test "a transaction has them among its changes", %{sandbox: sandbox, table: t} = world do
    Sandbox.psql!(sandbox, """
    CREATE TABLE #{t} (id int);
    BEGIN; INSERT INTO #{t} VALUES (1); ALTER TABLE #{t} ADD n int; INSERT INTO #{t} VALUES (2, 3); COMMIT
    """)

    options = options(sandbox, world.slot, tables: ["public.#{t}"], ddl: :tables)
    {:ok, consumer} = Consumer.start_link(Whole, self(), options)
    assert_receive {:transaction, %{changes: [%{op: :schema}], part: :whole}}, 15_000
    assert_receive {:transaction, %{changes: changes, part: :whole}}, 15_000
    assert for(c <- changes, do: c.op) == [:insert, :schema, :insert]
    eventually(fn -> idle?(consumer) end)
    GenServer.stop(consumer)
  end
end
