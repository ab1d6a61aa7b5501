defmodule PgEtf.FakeSlot.Log do
  @moduledoc false
  # What a fake slot has to send: rows {seq} of a table "t" with one int8 column, and events of
  # tables before some of them.

  @relation {:relation, 1, "public", "t", :default, [{"id", 20, "int8", -1, [:key]}]}

  @stats %{
    frames: 0,
    transactions: 0,
    repeated_frames: 0,
    rewinds: 0,
    keepalives: 0,
    statuses: 0,
    reconnects: 0,
    stalls: 0,
    streams: 0,
    streams_aborted: 0,
    open_streams: 0,
    spooled_bytes: 0,
    unacknowledged: 0,
    received_lsn: 0,
    delivered_lsn: 0,
    flushed_lsn: 0,
    server_lsn: 0,
    lag_bytes: 0,
    wal_status: "reserved",
    retained_bytes: 0,
    safe_wal_size: 0,
    catalog_xmin_age: 0,
    rss: 0
  }

  @doc "Statistics of a program, with what it does not count."
  def stats, do: @stats

  @doc "Transactions of these sizes, from a number and a row on: `{number, [row]}` each."
  def new(sizes, first, id) do
    {log, _} =
      Enum.map_reduce(Enum.with_index(sizes, first), id, fn {size, n}, id ->
        {{n, Enum.to_list(id..(id + size - 1)//1)}, id + size}
      end)

    log
  end

  @doc """
  By how many bytes a frame of so many makes its packet longer: it leaves its version
  byte behind, and the first pays for the packet's and for the list around them.
  """
  def cost(bytes, first?), do: bytes - 1 + if(first?, do: 7, else: 0)

  @doc """
  A frame of a transaction: rows from an index on, with a description or without, and the
  events of `%{{transaction, index} => [event]}`.
  """
  def frame(n, first, rows, last?, padding, described?, uncounted \\ %{}) do
    rows = Enum.with_index(rows, first)

    inserts =
      for {id, i} <- rows, do: Map.get(uncounted, {n, i}, []) ++ [{:insert, 1, row(id, padding)}]

    at_end = if last?, do: Map.get(uncounted, {n, first + length(rows)}, []), else: []
    events = Enum.concat(inserts) ++ at_end
    events = if described?, do: events, else: [relation(padding) | events]
    head = {n, n * 100, end_lsn(n), 1_700_000_000_000_000}
    {:tx, part(first, last?), head, first, length(rows), %{}, events}
  end

  @doc "A table whose column has another type, in another file."
  def rewrite(oid, table) do
    state = fn file, type ->
      {"public", table, :default, file, [{1, "id", type, "int", -1, [:key]}]}
    end

    {:schema, oid, state.(1, 20), state.(2, 23)}
  end

  @doc "A table that comes into sight."
  def create(oid, table), do: put_elem(rewrite(oid, table), 2, :none)

  @doc "A table that gets a column, which may be NULL or not."
  def alter(oid, table, flags \\ []) do
    state = fn columns -> {"public", table, :default, 1, columns} end
    id = {1, "id", 20, "int8", -1, [:key]}
    {:schema, oid, state.([id]), state.([id, {2, "added", 25, "text", -1, flags}])}
  end

  @doc "A frame of rows that are read."
  def read(ref, rows) do
    {:read, ref, length(rows), [@relation | for(id <- rows, do: {:read, 1, {id}})]}
  end

  defp part(0, true), do: :whole
  defp part(_, true), do: :last
  defp part(0, false), do: :first
  defp part(_, false), do: :middle

  defp row(id, ""), do: {id}
  defp row(id, padding), do: {id, padding}

  defp relation(""), do: @relation
  defp relation(_), do: put_elem(@relation, 5, elem(@relation, 5) ++ [{"x", 25, "text", -1, []}])

  @doc "The first transaction that ends after a position."
  def after_lsn(log, lsn) do
    Enum.find_value(log, length(log) + 1, fn {n, _} -> if end_lsn(n) > lsn, do: n end)
  end

  @doc "What was sent, and more."
  def spend({events, bytes}, more_events, more_bytes) do
    {events + more_events, bytes + more_bytes}
  end

  @doc "Where a transaction ends."
  def end_lsn(transaction), do: transaction * 100 + 50
end
