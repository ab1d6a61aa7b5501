defmodule PgEtf.CrashReportTest do
  # No event of the logger has rows or packets in it, even where a formatter hides
  # nothing.
  use ExUnit.Case, async: true

  alias PgEtf.{Consumer, FakeSlot, LogTo, Producer, Stage}

  @moduletag :capture_log

  # What FakeSlot puts into each row.
  @row "xxxxxxxxxx"
  @packed "120, 120, 120, 120"

  defmodule Crashing do
    @behaviour Consumer

    @impl true
    def handle_transaction(%{xid: nil}, state), do: {:ok, state}
  end

  setup do
    Process.flag(:trap_exit, true)
    LogTo.start()
    %{slot: FakeSlot.start(List.duplicate(3, 20), row_bytes: 40)}
  end

  defp opts(slot, more), do: [connection: [], slot: slot, client: FakeSlot] ++ more

  # Both reports, of the server and of its process: they come before its end.
  defp reported(pid) do
    logged = LogTo.wait_for(~r/^(?=.*:gen_server\.format_log).*#{inspect(pid)}/s)
    crash = ~r/proc_lib, :crash/

    if logged =~ crash or nobody_sees_crashes?(),
      do: logged,
      else: logged <> LogTo.wait_for(crash)
  end

  # Newer versions of Elixir drop reports of processes before any handler has them.
  defp nobody_sees_crashes? do
    Enum.any?(:logger.get_primary_config().filters, &match?({_, {_, %{sasl: false}}}, &1))
  end

  test "of a consumer whose handler raises", %{slot: slot} do
    {:ok, consumer} = Consumer.start_link(Crashing, nil, opts(slot, on_exception: :crash))
    assert_receive {:EXIT, ^consumer, {:function_clause, [{Crashing, _, 2, _} | _]}}
    logged = reported(consumer)
    assert logged =~ slot
    refute logged =~ @row
    refute logged =~ @packed
    refute logged =~ inspect(PgEtf.Change)
  end

  test "of a failure that is told", %{slot: slot} do
    {:ok, _} = Consumer.start_link(Crashing, nil, opts(slot, backoff_min: 1))
    logged = LogTo.wait_for(~r/slot #{slot}.*FunctionClauseError/)
    refute logged =~ @row
    refute logged =~ @packed
  end

  test "of a consumer that dies of a bug of ours" do
    slot = FakeSlot.start([], row_bytes: 40)
    {:ok, consumer} = Consumer.start_link(Crashing, nil, opts(slot, []))
    # It has seen that it is connected: the last message is a packet with rows.
    FakeSlot.settle(slot, [consumer])
    :sys.replace_state(consumer, &bug(&1))
    FakeSlot.append(slot, [3, 3])
    assert_receive {:EXIT, ^consumer, {:badarith, _}}
    logged = reported(consumer)
    assert logged =~ slot
    refute logged =~ @row
    refute logged =~ @packed
  end

  defp bug(%{session: %{inbox: inbox} = session} = consumer) do
    %{consumer | session: %{session | inbox: %{inbox | received: {:a_bug, 0}}}}
  end

  test "of a producer", %{slot: slot} do
    {:ok, stage} = Stage.start_link(Producer, opts(slot, on_error: :stop))
    Stage.ask(stage, 1)
    FakeSlot.inject(slot, [{:tx, :odd, @row}])
    assert_receive {:EXIT, ^stage, _}
    logged = reported(stage)
    refute logged =~ @row
    refute logged =~ @packed
  end

  test "nor does the older form that GenStage asks for", %{slot: slot} do
    {:ok, _} = Application.ensure_all_started(:pg_etf)
    {:producer, state, _} = Producer.init(opts(slot, []))
    assert %{slot: ^slot, demand: 0} = Producer.format_status(:terminate, [[], state])
    assert [data: [{_, %{slot: ^slot}}]] = Producer.format_status(:normal, [[], state])
    consumer = %Consumer.Server{module: Crashing, session: state.session}

    assert %{slot: ^slot, module: Crashing} =
             Consumer.Server.format_status(:terminate, [[], consumer])
  end
end
