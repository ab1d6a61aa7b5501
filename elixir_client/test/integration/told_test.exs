defmodule PgEtf.Integration.ToldTest do
  # What the log and info/1 say of a stream, with the real program: a line for each
  # change, none for each attempt.
  use PgEtf.Integration, async: false

  alias PgEtf.{Error, LogTo}

  setup do
    LogTo.start()
  end

  # The lines of a stream that have come by now, each with its level.
  defp lines(slot, seen \\ []) do
    receive do
      {LogTo, text} ->
        if text =~ "(slot #{slot})" and not (text =~ "level: :debug"),
          do: lines(slot, [text | seen]),
          else: lines(slot, seen)
    after
      0 -> Enum.reverse(seen)
    end
  end

  test "where it is connected, and what was made", %{sandbox: sandbox} do
    slot = name("s")
    {:ok, consumer} = consume(sandbox, slot, create_slot: true)
    eventually(fn -> PgEtf.info(consumer).status == :connected end)
    assert [line] = lines(slot)
    assert line =~ "level: :warning"
    connection = Sandbox.connection(sandbox)
    host = connection[:socket_dir] || connection[:hostname]

    assert line =~
             ~r"connected to sandbox on #{host}:\d+, from 0/[0-9A-F]+, slot created: it only contains changes made after its creation"

    GenServer.stop(consumer)
  end

  test "a server that is not there: one warning, and the reason", %{sandbox: sandbox} do
    slot = name("s")
    nowhere = [hostname: "127.0.0.1", port: 1, database: "shop"]
    more = [connection: nowhere, on_error: :halt, heartbeat: 100, backoff_max: 20]
    {:ok, consumer} = consume(sandbox, slot, more)
    eventually(fn -> PgEtf.info(consumer).status == :open_circuit end)
    assert %Error{class: :network, message: message} = PgEtf.info(consumer).error
    assert message =~ "refused"
    assert [warning, error] = lines(slot)
    assert warning =~ "level: :warning"
    assert warning =~ "refused"
    assert error =~ "level: :error"
    assert error =~ "still failing"
    GenServer.stop(consumer)
  end

  test "a server that is restarted: that it went, and that it is back", %{sandbox: sandbox} do
    slot = name("s")
    {:ok, consumer} = consume(sandbox, slot, create_slot: true)
    eventually(fn -> PgEtf.info(consumer).status == :connected end)
    assert [_] = lines(slot)
    Sandbox.restart(sandbox)
    logged = LogTo.wait_for(~r/slot #{slot}.*connected again/)
    assert logged =~ ~r/level: :warning.*slot #{slot}/
    # What is told is told before the table knows.
    eventually(fn -> match?(%{status: :connected, error: nil}, PgEtf.info(consumer)) end)
    GenServer.stop(consumer)
  end

  test "a slot that is dropped: halted, and not made anew", %{sandbox: sandbox} do
    slot = name("s")
    more = [create_slot: true, on_error: :halt, retry_after: 100]
    {:ok, consumer} = consume(sandbox, slot, more)
    eventually(fn -> PgEtf.info(consumer).status == :connected end)
    drop(sandbox, slot)
    LogTo.wait_for(~r/level: :error.*slot #{slot}.*slot_missing.*halted/)
    eventually(fn -> match?(%{error: %Error{class: :slot_missing}}, PgEtf.info(consumer)) end)
    %{error: %Error{hint: hint}} = PgEtf.info(consumer)
    assert hint != ""
    # By now it has tried again, more than once.
    Process.sleep(500)
    assert lines(slot) == []
    assert "0" = slots(sandbox, slot)
    # Somebody decides.
    create_slot(sandbox, slot)
    LogTo.wait_for(~r/slot #{slot}.*connected again/)
    GenServer.stop(consumer)
  end

  defp drop(sandbox, slot) do
    terminate_walsender(sandbox)
    Sandbox.psql!(sandbox, "SELECT pg_drop_replication_slot('#{slot}')")
  rescue
    # It was quicker than we are.
    _ -> drop(sandbox, slot)
  end

  defp slots(sandbox, slot) do
    sql = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '#{slot}'"
    sandbox |> Sandbox.psql!(sql) |> String.trim()
  end
end
