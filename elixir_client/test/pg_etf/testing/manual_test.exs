defmodule PgEtf.Testing.ManualTest do
  use PgEtf.StreamCase, async: true

  import PgEtf.Testing

  alias PgEtf.{Consumer, FakeSlot, Testing}

  # Connecting to anything would be told.
  defmodule NoClient do
    @behaviour PgEtf.Client

    @impl true
    def open(_settings, opts), do: raise("opened for #{opts[:slot]}")
    @impl true
    def command(_conn, _command), do: :ok
    @impl true
    def handle_message(_conn, _message), do: :unknown
    @impl true
    def close(_conn, _timeout), do: :ok
  end

  defmodule Changes do
    use Consumer, testing: :manual, client: NoClient, connection: [], slot: "s"

    @impl true
    def checkpoint(_state), do: raise("nothing is started")

    @impl true
    def handle_changes(changes, state) do
      case changes do
        [%{record: %{"id" => :later}} | _] -> {:noack, state}
        [%{record: %{"id" => :wrong}} | _] -> {:error, :wrong, state}
        [%{record: %{"id" => :raise}} | _] -> raise("on purpose")
        _ -> {:ok, send(state, {:handled, Enum.map(changes, & &1.record["id"])}) && state}
      end
    end
  end

  defmodule Transactions do
    use Consumer, testing: :manual, client: NoClient, connection: [], slot: "s", two_phase: true

    @impl true
    def handle_transaction(transaction, test), do: {:ok, send(test, transaction) && test}
    @impl true
    def handle_prepare(transaction, test), do: {:ok, send(test, transaction) && test}
    @impl true
    def handle_commit_prepared(decision, test), do: {:ok, send(test, decision) && test}
    @impl true
    def handle_rollback_prepared(_decision, test), do: {:ok, test}
  end

  defp row(id), do: insert("t", %{"id" => id})

  test "changes are handled once, and what becomes of them is told" do
    consumer = start_supervised!({Changes, arg: self()})
    assert deliver(consumer, row(1)) == :ok
    assert_received {:handled, [1]}
    assert deliver(consumer, [row(1), row(2)]) == :ok
    assert_received {:handled, [1, 2]}
    assert deliver(consumer, transaction([row(3)])) == :ok
    assert_received {:handled, [3]}
    assert deliver(consumer, row(:later)) == :noack
    assert deliver(consumer, row(:wrong)) == {:error, :wrong}
    assert_raise RuntimeError, "on purpose", fn -> deliver(consumer, row(:raise)) end
    assert %{status: :manual, progress: :manual, error: nil} = PgEtf.info(consumer)
    assert Process.alive?(consumer)
    assert PgEtf.resume(consumer) == :ok
  end

  test "as a transaction where those are handled, or a decision" do
    consumer = start_supervised!({Transactions, arg: self()})
    [a, b] = [row(1), row(2)]
    assert deliver(consumer, [a, b]) == :ok
    assert_received %PgEtf.Transaction{changes: [%{index: 0}, %{index: 1}], prepared: nil}
    prepared = transaction([a], prepared: "g")
    assert deliver(consumer, prepared) == :ok
    assert_received ^prepared
    decision = decision(prepared, :commit)
    assert deliver(consumer, decision) == :ok
    assert_received ^decision
  end

  test "only where a test asks for it" do
    slot = FakeSlot.start([])
    {:ok, consumer} = Consumer.start_link(PgEtf.Testing.Forward, self(), opts(slot))
    assert_raise ArgumentError, ~r/testing: :manual/, fn -> deliver(consumer, row(1)) end
  end

  test "a producer starts, too, and asks nobody" do
    stage = produce("s", testing: :manual, client: NoClient)
    PgEtf.Stage.ask(stage, 1)
    assert PgEtf.Stage.info(stage).status == :manual
  end

  test "a change is waited for by what it has" do
    id = 7
    send(self(), {:pg_etf, row(1)})
    send(self(), {:pg_etf, row(7)})

    assert %PgEtf.Change{record: %{"id" => 7}} =
             assert_change(op: :insert, record: %{"id" => ^id})

    assert_change([record: %{"id" => other}], 10)
    assert other == 1
    assert refute_change([table: "t"], 1) == :ok

    assert_raise ExUnit.AssertionError, fn -> assert_change([table: "t"], 1) end
    send(self(), {:pg_etf, row(1)})
    assert_raise ExUnit.AssertionError, fn -> refute_change([table: "t"], 1) end
    assert Testing.metadata(row(1)).table == "t"
  end
end
