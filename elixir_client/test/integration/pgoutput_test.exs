defmodule PgEtf.Integration.PgoutputTest do
  # The same changes, whichever plugin a slot has.
  use PgEtf.Integration, async: true

  @theirs [plugin: :pgoutput, publications: ["everything"]]

  setup_all %{sandbox: sandbox} do
    Sandbox.psql!(sandbox, "CREATE PUBLICATION everything FOR ALL TABLES", username: "postgres")
    :ok
  end

  defp pair(sandbox) do
    [ours, theirs] = [name("ours"), name("theirs")]
    create_slot(sandbox, ours)
    Sandbox.psql!(sandbox, "SELECT pg_create_logical_replication_slot('#{theirs}', 'pgoutput')")
    {ours, theirs}
  end

  defp read(sandbox, slot, count, more) do
    {:ok, consumer} = consume(sandbox, slot, more)
    changes = changes(count, 60_000)
    info = PgEtf.info(consumer)
    GenServer.stop(consumer)
    {changes, info}
  end

  # It is known late to one of them.
  defp without_end(changes), do: for(change <- changes, do: %{change | end_lsn: nil})

  test "structs are equal", %{sandbox: sandbox} do
    {ours, theirs} = pair(sandbox)
    [table, kept, mood] = [name("t"), name("k"), name("mood")]

    Sandbox.psql!(sandbox, """
    CREATE TYPE #{mood} AS ENUM ('sad', 'ok');
    CREATE TABLE #{table} (id int PRIMARY KEY, v text, n numeric(12,3), at timestamptz(3), j jsonb,
      a int[], m #{mood}, r tstzrange, u uuid, i interval);
    ALTER TABLE #{table} ALTER v SET STORAGE EXTERNAL;
    CREATE TABLE #{kept} (id int, v text);
    ALTER TABLE #{kept} REPLICA IDENTITY FULL;
    INSERT INTO #{table} SELECT i, repeat('x', 3000), i / 7.0, now(), jsonb_build_object('i', i),
      ARRAY[i, NULL], 'ok', tstzrange(now(), NULL), gen_random_uuid(), i * '1 min'::interval
      FROM generate_series(1, 400) i;
    UPDATE #{table} SET n = 1 WHERE id < 10; UPDATE #{table} SET id = 1000 WHERE id = 1;
    DELETE FROM #{table} WHERE id > 390;
    INSERT INTO #{kept} VALUES (1, 'a'); UPDATE #{kept} SET v = 'b'; DELETE FROM #{kept};
    TRUNCATE #{table}, #{kept} RESTART IDENTITY;
    SELECT pg_logical_emit_message(true, 'app', 'in'), pg_logical_emit_message(false, 'app', 'out');
    """)

    count = 400 + 9 + 1 + 11 + 3 + 1 + 2

    for more <- [[], [keys: :create_atoms, split_key_changes: true]] do
      more = [messages: true, create_slot: false] ++ more
      count = if more[:split_key_changes], do: count + 1, else: count
      peek = Keyword.put(more, :start_position, nil)
      {changes, info} = read(sandbox, copy(sandbox, ours), count, peek)
      {others, other_info} = read(sandbox, copy(sandbox, theirs), count, @theirs ++ peek)

      # One by one: what differs is easier to find in two than in hundreds.
      for {one, other} <- Enum.zip(without_end(changes), without_end(others)) do
        assert one == other
      end

      assert List.last(changes) == List.last(others)
      assert Enum.all?(changes, & &1.end_lsn)
      assert info.slot != other_info.slot
    end
  end

  # With pgoutput by what the type is now.
  test "composites of before an attribute was added are complete", %{sandbox: sandbox} do
    {ours, theirs} = pair(sandbox)
    [table, pair] = [name("t"), name("pair")]

    Sandbox.psql!(sandbox, """
    CREATE TYPE #{pair} AS (at timestamp, n numeric);
    CREATE TABLE #{table} (id int PRIMARY KEY, p #{pair}, ps #{pair}[]);
    INSERT INTO #{table} VALUES (1, ('2024-01-02 03:04:05', 1.5), ARRAY[('2024-01-02', 2)::#{pair}]);
    """)

    Sandbox.psql!(sandbox, "ALTER TYPE #{pair} ADD ATTRIBUTE day date")
    at = ~N[2024-01-02 03:04:05.000000]
    midnight = ~N[2024-01-02 00:00:00.000000]
    {one, two} = {decimal(15, -1), decimal(2, 0)}

    assert {[%{record: %{"p" => {^at, ^one}, "ps" => [{^midnight, ^two}]}}], _} =
             read(sandbox, ours, 1, create_slot: false)

    assert {[%{record: %{"p" => {^at, ^one, nil}, "ps" => [{^midnight, ^two, nil}]}}], _} =
             read(sandbox, theirs, 1, @theirs ++ [create_slot: false])
  end

  defp decimal(coefficient, exponent) do
    %{__struct__: Decimal, sign: 1, coef: coefficient, exp: exponent}
  end

  # Each reads all of it.
  defp copy(sandbox, slot) do
    copy = name("copy")
    Sandbox.psql!(sandbox, "SELECT pg_copy_logical_replication_slot('#{slot}', '#{copy}')")
    copy
  end

  test "a publication is made for the tables, and the slot after it", %{sandbox: sandbox} do
    [table, keyless, publication, slot] = [name("t"), name("t"), name("p"), name("s")]

    Sandbox.psql!(sandbox, """
    CREATE TABLE #{table} (id int PRIMARY KEY); CREATE TABLE #{keyless} (id int)
    """)

    {:ok, consumer} =
      consume(sandbox, slot,
        plugin: :pgoutput,
        publications: [publication],
        create_publication: true,
        create_slot: true,
        tables: ["public.#{table}", "public.#{keyless}"]
      )

    eventually(fn ->
      Sandbox.psql!(sandbox, "SELECT 1 FROM pg_replication_slots WHERE slot_name = '#{slot}'") =~
        "1"
    end)

    Sandbox.psql!(sandbox, """
    INSERT INTO #{table} VALUES (1); INSERT INTO #{keyless} VALUES (2);
    DELETE FROM #{table}
    """)

    assert for(change <- changes(3), do: {change.op, change.table}) ==
             [insert: table, insert: keyless, delete: table]

    GenServer.stop(consumer)
  end
end
