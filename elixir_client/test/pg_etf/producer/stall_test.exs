defmodule PgEtf.Producer.StallTest do
  # A stream that stands still is reported.
  use PgEtf.StreamCase, async: true

  import ExUnit.CaptureLog

  alias PgEtf.{FakeSlot, LogTo, Stage}

  test "a message that nobody acknowledges is reported" do
    slot = FakeSlot.start([1])
    LogTo.start()
    stage = produce(slot, stall_after: 40)
    Stage.take(stage, 1)
    LogTo.wait_for(~r/slot #{slot}.*has been unacknowledged/)
    assert PgEtf.info(stage).progress in [:moving, :waiting_for_acks]
  end

  test "changes that nobody asks for are reported" do
    slot = FakeSlot.start([1])
    LogTo.start()
    stage = produce(slot, stall_after: 40)
    LogTo.wait_for(~r/slot #{slot}.*1 changes are queued, and no consumer requests them/)
    eventually(fn -> PgEtf.info(stage).progress == :waiting_for_demand end)
  end

  test "what stands still is told of once a minute" do
    slot = FakeSlot.start([1])

    log =
      capture_log(fn ->
        LogTo.start()
        stage = produce(slot, stall_after: 4)
        LogTo.wait_for(~r/#{slot}\): no progress/)
        Process.sleep(40)
        GenServer.stop(stage)
      end)

    assert [_, _] = String.split(log, "#{slot}): no progress")
  end

  test "a server that is ahead and sends nothing is reported" do
    slot = FakeSlot.start([])
    LogTo.start()
    stage = produce(slot, stall_after: 200, heartbeat: 100)
    FakeSlot.report(slot, %{lag_bytes: 1_000_000, received_lsn: 7})
    LogTo.wait_for(~r/slot #{slot}.*the server is 1000000 bytes ahead and sends nothing/)
    eventually(fn -> PgEtf.info(stage).progress == :waiting_for_server end)
    FakeSlot.report(slot, %{lag_bytes: 0, received_lsn: 8})
    eventually(fn -> PgEtf.info(stage).progress == :idle end)
  end
end
