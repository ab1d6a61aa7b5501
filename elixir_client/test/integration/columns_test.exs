defmodule PgEtf.Integration.ColumnsTest do
  # Columns that are not for every reader, and updates without what they did not change.
  use PgEtf.Integration, async: true

  alias PgEtf.Change

  setup %{sandbox: sandbox} do
    table = name("t")

    Sandbox.psql!(sandbox, """
    CREATE TABLE #{table} (id int PRIMARY KEY, name text, phone text, secret text, n int);
    ALTER TABLE #{table} REPLICA IDENTITY FULL
    """)

    slot = name("s")
    create_slot(sandbox, slot)
    %{table: table, slot: slot}
  end

  defp read(%{sandbox: sandbox, slot: slot}, count, options) do
    {:ok, consumer} = consume(sandbox, slot, options)
    changes = changes(count)
    GenServer.stop(consumer)
    changes
  end

  test "are left out and masked", %{sandbox: sandbox, table: table} = world do
    Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (1, 'Ada', '+44 1234', 'S3CRET', 1)")

    assert [change] =
             read(world, 1,
               tables: ["public.#{table}"],
               exclude_columns: ["*.*.secret"],
               mask_columns: ["*.*.phone:keep(-4)", "public.#{table}.name:fixed(a, b)"]
             )

    assert change.record == %{"id" => 1, "name" => "a, b", "phone" => "****1234", "n" => 1}
  end

  test "updates carry what they change", %{sandbox: sandbox, table: table} = world do
    Sandbox.psql!(sandbox, """
    INSERT INTO #{table} VALUES (1, 'Ada', NULL, repeat('x', 3000), 1);
    UPDATE #{table} SET n = 2;
    UPDATE #{table} SET name = name;
    UPDATE #{table} SET name = NULL, phone = '1'
    """)

    assert [_insert, first, second] =
             read(world, 3,
               tables: ["public.#{table}"],
               updates: :changed,
               skip_unchanged: true
             )

    assert %Change{changed: ["n"], record: %{"id" => 1, "name" => "Ada", "n" => 2}} = first
    assert byte_size(first.record["secret"]) == 3000
    assert Change.changes(first) == %{"n" => {1, 2}}
    assert Enum.sort(second.changed) == ["name", "phone"]
    assert Change.changes(second) == %{"name" => {"Ada", nil}, "phone" => {nil, "1"}}
  end

  test "without the old row a record has what came", %{sandbox: sandbox, table: table} = world do
    Sandbox.psql!(
      sandbox,
      "INSERT INTO #{table} (id, n) VALUES (1, 1); UPDATE #{table} SET n = 2"
    )

    assert [_insert, update] =
             read(world, 2,
               tables: ["public.#{table}"],
               updates: :changed,
               plugin_options: %{"old_rows" => "none"}
             )

    assert %Change{record: %{"id" => 1, "n" => 2} = record, changed: ["n"]} = update
    assert map_size(record) == 2
    assert Change.changes(update) == %{}
  end

  test "a mask that is none is refused", %{sandbox: sandbox, slot: slot} do
    {:ok, consumer} = consume(sandbox, slot, mask_columns: ["*.*.name:reverse"], on_error: :halt)
    eventually(fn -> PgEtf.info(consumer).status == :halted end)
    assert PgEtf.info(consumer).error.message =~ ~s(invalid pattern in option "mask_columns")
  end
end
