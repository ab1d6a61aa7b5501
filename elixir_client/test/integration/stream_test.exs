defmodule PgEtf.Integration.StreamTest do
  use PgEtf.Integration, async: true

  alias PgEtf.Error

  test "every kind of change", %{sandbox: sandbox} do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY, note text, big text")

    Sandbox.psql!(sandbox, """
    ALTER TABLE #{table} ALTER big SET STORAGE EXTERNAL;
    BEGIN;
    INSERT INTO #{table} VALUES (1, 'a', repeat('x', 10000)), (2, NULL, NULL);
    UPDATE #{table} SET note = 'b' WHERE id = 1;
    UPDATE #{table} SET id = 3 WHERE id = 2;
    DELETE FROM #{table} WHERE id = 3;
    SELECT pg_logical_emit_message(true, 'audit', 'in');
    TRUNCATE #{table} RESTART IDENTITY;
    COMMIT;
    SELECT pg_logical_emit_message(false, 'audit', 'alone');
    """)

    {:ok, consumer} = consume(sandbox, slot, messages: ["audit"])
    changes = changes(8)
    {transaction, [alone]} = Enum.split(changes, 7)
    assert [first, second, update, moved, deleted, message, truncated] = transaction

    assert {first.op, first.record} ==
             {:insert, %{"id" => 1, "note" => "a", "big" => String.duplicate("x", 10_000)}}

    assert second.record == %{"id" => 2, "note" => nil, "big" => nil}
    assert {update.op, update.unchanged_toast, update.old_record} == {:update, ["big"], nil}
    assert update.record == %{"id" => 1, "note" => "b"}
    assert update.key == %{"id" => 1}
    assert {moved.key, moved.record["id"]} == {%{"id" => 2}, 3}
    assert {deleted.op, deleted.record, deleted.key} == {:delete, nil, %{"id" => 3}}
    assert {message.op, message.prefix, message.content} == {:message, "audit", "in"}
    assert {truncated.op, truncated.truncated} == {:truncate, [{"public", table}]}
    assert truncated.truncate_options == [:restart_identity]
    assert Enum.map(transaction, & &1.index) == Enum.to_list(0..6)
    assert [commit_lsn] = transaction |> Enum.map(& &1.commit_lsn) |> Enum.uniq()
    assert Enum.map(transaction, & &1.last?) == List.duplicate(false, 6) ++ [true]
    assert abs(DateTime.diff(DateTime.utc_now(), first.commit_time)) < 60

    assert {alone.op, alone.content, alone.xid} == {:message, "alone", nil}
    assert alone.commit_lsn > commit_lsn
    eventually(fn -> confirmed(sandbox, slot) >= alone.end_lsn end)
    GenServer.stop(consumer)
  end

  # The record of the message ends where that of the commit begins.
  @both """
  BEGIN; INSERT INTO $t VALUES ($n); SELECT pg_logical_emit_message(false, 'p', '$n'); COMMIT;
  """

  defp both(table, ids) do
    Enum.map_join(ids, fn n ->
      @both |> String.replace("$t", table) |> String.replace("$n", "#{n}")
    end)
  end

  test "a change has a place of its own beside messages outside of transactions", %{
    sandbox: sandbox
  } do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY")
    {:ok, consumer} = consume(sandbox, slot, messages: true)
    Sandbox.psql!(sandbox, both(table, 1..20))
    changes = changes(40)
    places = for change <- changes, do: {change.commit_lsn, change.index}
    assert places == places |> Enum.sort() |> Enum.uniq()
    ends = for change <- changes, do: change.end_lsn
    assert ends == ends |> Enum.sort() |> Enum.uniq()
    eventually(fn -> confirmed(sandbox, slot) >= List.last(ends) end)
    GenServer.stop(consumer)
  end

  defmodule Stored do
    @behaviour PgEtf.Consumer

    @impl true
    def checkpoint(%{store: store}), do: Agent.get(store, & &1)

    @impl true
    def handle_transaction(transaction, %{store: store, test: test} = state) do
      Agent.update(store, fn _ -> transaction.end_lsn end)
      send(test, {:stored, transaction})
      {:ok, state}
    end
  end

  test "a position that was stored with a message outlives a crash", %{sandbox: sandbox} do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY")
    {:ok, store} = Agent.start_link(fn -> nil end)
    opts = options(sandbox, slot, messages: true)

    for round <- 1..3 do
      {:ok, consumer} = PgEtf.Consumer.start_link(Stored, %{store: store, test: self()}, opts)

      Sandbox.psql!(sandbox, both(table, [round]))
      assert_receive {:stored, %{xid: nil, end_lsn: lsn}} when is_integer(lsn), 15_000
      assert_receive {:stored, %{changes: [%{record: %{"id" => ^round}}]}}, 15_000
      # The last one is a message, and the server knows of it.
      Sandbox.psql!(sandbox, "SELECT pg_logical_emit_message(false, 'p', 'last')")
      assert_receive {:stored, %{changes: [%{content: "last"}], end_lsn: last}}, 15_000
      eventually(fn -> confirmed(sandbox, slot) >= last end)
      Process.exit(consumer, :kill)
      assert_receive {:EXIT, ^consumer, :killed}
    end

    refute_received {:stored, _}
  end

  test "only what was asked for", %{sandbox: sandbox} do
    {wanted, slot} = prepare(sandbox, "id int PRIMARY KEY")
    {other, _} = prepare(sandbox, "id int PRIMARY KEY")

    {:ok, consumer} =
      consume(sandbox, slot, tables: ["public.#{wanted}", "shop.*"], actions: [:insert, :delete])

    Sandbox.psql!(sandbox, """
    INSERT INTO #{other} VALUES (1);
    INSERT INTO #{wanted} VALUES (1);
    UPDATE #{wanted} SET id = 2;
    DELETE FROM #{wanted};
    INSERT INTO #{wanted} VALUES (3);
    """)

    assert [%{op: :insert, table: ^wanted}, %{op: :delete}, last] = changes(3)
    assert %{op: :insert, table: ^wanted, record: %{"id" => 3}} = last
    GenServer.stop(consumer)
  end

  test "what was acknowledged does not come again", %{sandbox: sandbox} do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY")
    {:ok, consumer} = consume(sandbox, slot)
    Sandbox.psql!(sandbox, "INSERT INTO #{table} SELECT generate_series(1, 1000)")
    assert length(changes(1000)) == 1000
    GenServer.stop(consumer)
    assert_receive {:stopped, :shutdown}
    {:ok, consumer} = consume(sandbox, slot)
    Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (1001)")
    assert [%{record: %{"id" => 1001}}] = changes(1)
    GenServer.stop(consumer)
  end

  test "a slot is made when asked for, and follows an idle server", %{sandbox: sandbox} do
    {table, _} = prepare(sandbox, "id int PRIMARY KEY")
    slot = name("made")
    {:ok, consumer} = consume(sandbox, slot, create_slot: true, tables: ["public.none"])
    eventually(fn -> PgEtf.info(consumer).status == :connected end)
    Sandbox.psql!(sandbox, "INSERT INTO #{table} SELECT generate_series(1, 10)")
    target = current(sandbox)
    Sandbox.psql!(sandbox, "CHECKPOINT", username: "postgres")
    eventually(fn -> confirmed(sandbox, slot) >= target end)
    assert PgEtf.info(consumer).position >= target
    GenServer.stop(consumer)
  end

  test "another reader of the slot takes over when the first one ends", %{sandbox: sandbox} do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY")
    {:ok, first} = consume(sandbox, slot)
    eventually(fn -> PgEtf.info(first).status == :connected end)
    {:ok, second} = consume(sandbox, slot, name: :standby)
    Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (1)")
    assert [%{record: %{"id" => 1}}] = changes(1)
    refute PgEtf.info(second).status == :connected
    GenServer.stop(first)
    eventually(fn -> PgEtf.info(second).status == :connected end)
    Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (2)")
    assert [%{record: %{"id" => 2}}] = changes(1)
    GenServer.stop(second)
  end

  describe "a reason to stop is told:" do
    for {title, class, change} <- [
          {"no such slot", :slot_missing, [slot: "no_such_slot"]},
          {"no such database", :config, [connection: [database: "no_such_database"]]},
          {"no such role", :auth, [connection: [username: "nobody_there"]]},
          {"an option that the plugin does not know", :config, [plugin_options: %{"x" => "y"}]},
          {"a table pattern that is none", :config, [tables: ["public.\\"]]},
          {"a program that is not there", :config, [client_path: "/no/such/program"]}
        ] do
      test title, %{sandbox: sandbox} do
        {_, slot} = prepare(sandbox, "id int")
        {connection, change} = Keyword.pop(unquote(Macro.escape(change)), :connection, [])
        connection = Keyword.merge(Sandbox.connection(sandbox), connection)

        {:ok, consumer} =
          consume(sandbox, slot, Keyword.merge([slot: slot, connection: connection], change))

        assert_receive {:EXIT, ^consumer, {%Error{class: unquote(class)} = error, []}}, 10_000
        assert error.message != ""
        assert_receive {:stopped, ^error}
      end
    end

    test "a slot of another plugin", %{sandbox: sandbox} do
      slot = name("other")
      Sandbox.psql!(sandbox, "SELECT pg_create_logical_replication_slot('#{slot}', 'pgoutput')")
      {:ok, consumer} = consume(sandbox, slot, plugin: :pg_etf_decoding)
      assert_receive {:EXIT, ^consumer, {%Error{class: :wrong_plugin}, []}}, 10_000
    end

    test "a stored position that the slot has left behind", %{sandbox: sandbox} do
      {table, slot} = prepare(sandbox, "id int")
      {:ok, consumer} = consume(sandbox, slot)
      Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (1)")
      [change] = changes(1)
      eventually(fn -> confirmed(sandbox, slot) >= change.end_lsn end)
      GenServer.stop(consumer)
      {:ok, consumer} = consume(sandbox, slot, start_position: change.end_lsn - 100)
      assert_receive {:EXIT, ^consumer, {%Error{class: :gap}, []}}, 10_000
    end
  end
end
