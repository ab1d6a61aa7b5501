defmodule PgEtf.Integration.AccountTest do
  # Both ends of the pipe count the same, whatever leaves together.
  use PgEtf.Integration, async: true

  alias PgEtf.{Client, FakeSlot, Frame, Options}

  # The real program, without the library between.
  defp open(sandbox, slot, more) do
    opts = Options.validate!(options(sandbox, slot, more))
    {:ok, conn} = Client.Port.open(Client.Settings.start(opts), opts)
    conn
  end

  # The packets with frames until so many events have come, then the statistics.
  defp read(conn, events, packets \\ []) do
    receive do
      message ->
        case Client.Port.handle_message(conn, message) do
          {:packet, packet} -> read(conn, events, packets, packet)
          :unknown -> read(conn, events, packets)
        end
    after
      30_000 -> flunk("#{events} events are missing")
    end
  end

  defp read(conn, events, packets, packet) do
    case Frame.to_term(packet) do
      {:ok, [_ | _] = frames} ->
        left = events - (frames |> Enum.map(&count/1) |> Enum.sum())
        if left == 0, do: Client.Port.command(conn, :stats)
        read(conn, left, [{packet, frames} | packets])

      {:ok, {:stats, stats}} ->
        {Enum.reverse(packets), stats}

      {:ok, _report} ->
        read(conn, events, packets)
    end
  end

  defp count({:tx, _, _, _, count, _, _}), do: count
  defp count({:message, _, _, _}), do: 1

  # As FakeSlot adds it up, frame by frame.
  defp cost({<<131, ?l, count::32, terms::binary>>, frames}) do
    assert count == length(frames)

    {cost, <<?j>>} =
      Enum.reduce(frames, {0, terms}, fn frame, {sum, terms} ->
        {^frame, used} = :erlang.binary_to_term(<<131, terms::binary>>, [:used])
        rest = binary_part(terms, used - 1, byte_size(terms) - used + 1)
        {sum + FakeSlot.cost(used, sum == 0), rest}
      end)

    cost
  end

  # A backlog of small transactions leaves many in a packet, a trickle one by one.
  test "FakeSlot packs and counts as the program does", %{sandbox: sandbox} do
    {table, slot} = prepare(sandbox, "id int PRIMARY KEY, x text")
    one_by_one(sandbox, table, 1..500)
    conn = open(sandbox, slot, prefetch: 1000)
    {backlog, stats} = read(conn, 500)
    assert backlog |> Enum.map(&length(elem(&1, 1))) |> Enum.max() > 7
    assert stats.sent_bytes == backlog |> Enum.map(&cost/1) |> Enum.sum()

    trickle =
      Enum.flat_map(501..510, fn id ->
        one_by_one(sandbox, table, id..id)
        {packets, _} = read(conn, 1)
        packets
      end)

    Client.Port.command(conn, {:credit, 7, 7})
    Client.Port.command(conn, :stats)
    {[], stats} = read(conn, 0)
    packets = backlog ++ trickle
    assert Enum.map(packets, &cost/1) == Enum.map(packets, &byte_size(elem(&1, 0)))
    assert stats.sent_bytes == packets |> Enum.map(&cost/1) |> Enum.sum()
    assert stats.sent_events == 510
    assert {stats.granted_events, stats.granted_bytes} == {1000, 131_072}
    Client.Port.close(conn, 5_000)
  end
end
