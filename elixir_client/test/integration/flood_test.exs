defmodule PgEtf.Integration.FloodTest do
  # Transactions of one row, as a web application makes them: more of them than
  # any window holds, all at once and one by one. PG_ETF_FULL=1 for ten times as many.
  use PgEtf.Integration, async: true

  alias PgEtf.Consumer

  @full System.get_env("PG_ETF_FULL") not in [nil, ""]
  @moduletag timeout: if(@full, do: 7_200_000, else: 600_000)
  # Short, to know soon; hours beside other work have moments longer than that.
  @heartbeat if(@full, do: 5_000, else: 200)

  defmodule Counter do
    @moduledoc false
    # Counts, and sleeps when told to; a change must not cost more than itself.
    @behaviour Consumer

    @impl true
    def handle_changes(changes, %{counter: counter} = state) do
      if :atomics.get(counter, 2) == 1, do: Process.sleep(100)
      :atomics.add(counter, 1, length(changes))
      {:ok, state}
    end
  end

  defp count(sandbox, slot, more \\ []) do
    counter = :atomics.new(2, [])
    opts = options(sandbox, slot, Keyword.merge([heartbeat: @heartbeat], more))
    {:ok, consumer} = Consumer.start_link(Counter, %{counter: counter}, opts)
    {consumer, counter}
  end

  # As long as something comes, however slowly.
  defp await(counter, count, last \\ -1, patience \\ 300) do
    case :atomics.get(counter, 1) do
      ^count ->
        :ok

      ^last when patience == 0 ->
        flunk("after #{last} of #{count} nothing comes any more")

      ^last ->
        Process.sleep(100)
        await(counter, count, last, patience - 1)

      come ->
        Process.sleep(100)
        await(counter, count, come)
    end
  end

  # In the statistics of one and the same moment.
  defp assert_same_account(consumer, count) do
    eventually(fn ->
      info = PgEtf.info(consumer)
      info.client[:sent_events] == count and idle?(consumer)
    end)

    info = PgEtf.info(consumer)
    assert info.received_events == count
    assert info.received_bytes == info.client.sent_bytes
    assert info.credit_events == info.client.granted_events - count
    assert info.credit_bytes == info.client.granted_bytes - info.client.sent_bytes
    assert info.error == nil
    eventually(fn -> PgEtf.info(consumer).progress == :idle end)
    info
  end

  test "a backlog", %{sandbox: sandbox} do
    count = if @full, do: 10_000_000, else: 1_000_000
    {table, slot} = prepare(sandbox, "id int")
    one_by_one(sandbox, table, 1..count)
    {consumer, counter} = count(sandbox, slot)
    await(counter, count)
    assert_same_account(consumer, count)
    GenServer.stop(consumer)
  end

  # Each leaves alone, and must not buy more than it cost: a reader that stops takes no
  # more than its window then.
  test "a trickle", %{sandbox: sandbox} do
    count = if @full, do: 1_000_000, else: 10_000
    {table, slot} = prepare(sandbox, "id int")
    {consumer, counter} = count(sandbox, slot, window_bytes: 16_384, prefetch: 100_000)
    trickle = Task.async(fn -> trickle(sandbox, table, count) end)
    await(counter, count)
    Task.await(trickle, :infinity)
    assert assert_same_account(consumer, count).credit_bytes <= 16_384

    :atomics.put(counter, 2, 1)
    one_by_one(sandbox, table, 1..20_000)
    eventually(fn -> PgEtf.info(consumer).credit_bytes <= 0 end)
    assert PgEtf.info(consumer).held_bytes < 2 * 16_384
    :atomics.put(counter, 2, 0)
    await(counter, count + 20_000)
    GenServer.stop(consumer)
  end

  defp trickle(sandbox, table, count) do
    Sandbox.psql!(sandbox, """
    DO $$ BEGIN
      FOR i IN 1..#{count} LOOP
        INSERT INTO #{table} VALUES (i);
        COMMIT;
        PERFORM pg_sleep(0.0003);
      END LOOP;
    END $$;
    """)
  end
end
