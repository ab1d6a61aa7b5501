defmodule PgEtf.Integration do
  @moduledoc false
  # What tests against the real program and a real server share. They run where
  # both are there, and say so where they are not.

  import ExUnit.Assertions

  alias PgEtf.{Consumer, PortClient, Sandbox}

  def available? do
    match?({:ok, _}, PortClient.find()) and Sandbox.available?()
  end

  defmodule Collector do
    @moduledoc false
    # Sends all it gets to the test; sleeps when told to.
    @behaviour Consumer

    @impl true
    def handle_changes(changes, %{test: test} = state) do
      Process.sleep(Map.get(state, :sleep, 0))
      for change <- changes, do: send(test, {:change, change})
      {:ok, state}
    end

    @impl true
    def handle_stop(reason, %{test: test}), do: send(test, {:stopped, reason})
  end

  def name(prefix), do: "#{prefix}_#{System.unique_integer([:positive])}"

  def options(sandbox, slot, more \\ []) do
    Keyword.merge(
      [connection: Sandbox.connection(sandbox), slot: slot, backoff_min: 10, backoff_max: 200],
      more
    )
  end

  @doc "A table and a slot that begins before its first row."
  def prepare(sandbox, columns) do
    table = name("t")
    slot = name("s")
    Sandbox.psql!(sandbox, "CREATE TABLE #{table} (#{columns})")
    create_slot(sandbox, slot)
    {table, slot}
  end

  def create_slot(sandbox, slot) do
    Sandbox.psql!(
      sandbox,
      "SELECT pg_create_logical_replication_slot('#{slot}', 'pg_etf_decoding')"
    )
  end

  def consume(sandbox, slot, more \\ []) do
    {state, more} = Keyword.pop(more, :state, %{})
    opts = options(sandbox, slot, more)
    Consumer.start_link(Collector, Map.put(state, :test, self()), opts)
  end

  def changes(count, timeout \\ 15_000) do
    for _ <- 1..count//1 do
      assert_receive {:change, change}, timeout
      change
    end
  end

  def confirmed(sandbox, slot) do
    sql = "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '#{slot}'"
    {:ok, lsn} = sandbox |> Sandbox.psql!(sql) |> String.trim() |> PgEtf.Lsn.parse()
    lsn
  end

  def current(sandbox) do
    {:ok, lsn} =
      sandbox
      |> Sandbox.psql!("SELECT pg_current_wal_lsn()")
      |> String.trim()
      |> PgEtf.Lsn.parse()

    lsn
  end

  def eventually(fun, attempts \\ 300) do
    cond do
      fun.() -> :ok
      attempts == 0 -> flunk("it did not happen in time")
      true -> Process.sleep(50) && eventually(fun, attempts - 1)
    end
  end
end
