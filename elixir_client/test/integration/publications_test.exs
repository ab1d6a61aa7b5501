defmodule PgEtf.Integration.PublicationsTest do
  # What publications publish, read by our plugin.
  use PgEtf.Integration, async: true

  alias PgEtf.Change

  setup %{sandbox: sandbox} do
    [table, publication, odd, slot] = [name("t"), name("p"), name("Odd, \"p\" "), name("s")]

    Sandbox.psql!(sandbox, """
    CREATE TABLE #{table} (id int PRIMARY KEY, v text);
    ALTER TABLE #{table} ALTER v SET STORAGE EXTERNAL;
    CREATE PUBLICATION #{publication} FOR TABLE #{table} WHERE (id > 5);
    CREATE PUBLICATION "#{String.replace(odd, "\"", "\"\"")}" FOR TABLE #{table} WHERE (id < 3)
    """)

    create_slot(sandbox, slot)
    %{table: table, slot: slot, publication: publication, odd: odd}
  end

  defp read(%{sandbox: sandbox, slot: slot}, count, publications) do
    {:ok, consumer} = consume(sandbox, slot, publications: publications)
    changes = changes(count)
    GenServer.stop(consumer)
    for change <- changes, do: {change.op, (change.record || change.key)["id"]}
  end

  test "row filters decide, an update that crosses one is another change", world do
    Sandbox.psql!(world.sandbox, """
    INSERT INTO #{world.table} VALUES (1, 'x'), (4, 'x'), (6, 'x');
    UPDATE #{world.table} SET id = 7 WHERE id = 4; UPDATE #{world.table} SET id = 8 WHERE id = 7;
    UPDATE #{world.table} SET id = 3 WHERE id = 8; DELETE FROM #{world.table}
    """)

    assert read(world, 5, [world.publication]) ==
             [insert: 6, insert: 7, update: 8, delete: 8, delete: 6]
  end

  test "names are quoted, and rows of either come", world do
    Sandbox.psql!(world.sandbox, "INSERT INTO #{world.table} VALUES (1), (4), (6)")
    assert read(world, 2, [world.publication, world.odd]) == [insert: 1, insert: 6]
  end

  test "an insert that was an update may lack a value that is not in the WAL", world do
    %{sandbox: sandbox, table: table, slot: slot} = world

    Sandbox.psql!(sandbox, """
    INSERT INTO #{table} VALUES (4, repeat('x', 9000)); UPDATE #{table} SET id = 7
    """)

    {:ok, consumer} = consume(sandbox, slot, publications: [world.publication])
    assert [%Change{op: :insert, record: record, unchanged_toast: ["v"]}] = changes(1)
    assert record == %{"id" => 7}
    GenServer.stop(consumer)
  end

  test "one that does not exist is refused", %{sandbox: sandbox, slot: slot} do
    {:ok, consumer} = consume(sandbox, slot, publications: ["No Such"], on_error: :halt)
    eventually(fn -> PgEtf.info(consumer).status == :halted end)
    assert %{class: :config, message: message, hint: hint} = PgEtf.info(consumer).error
    assert message =~ ~s(there is no publication "No Such")
    assert hint =~ "CREATE PUBLICATION"
  end
end
