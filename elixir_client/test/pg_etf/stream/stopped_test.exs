defmodule PgEtf.StoppedTest do
  # What the application keeps is for those who ask; without it a stream goes on.
  use ExUnit.Case, async: false

  import PgEtf.Eventually

  alias PgEtf.{FakeSlot, Stage}

  @moduletag :capture_log

  setup do
    on_exit(fn -> {:ok, _} = Application.ensure_all_started(:pg_etf) end)
  end

  test "a stream outlives the application" do
    slot = FakeSlot.start([1])
    opts = [connection: [], slot: slot, client: FakeSlot]
    {:ok, stage} = Stage.start_link(PgEtf.Producer, opts)
    PgEtf.ack(Stage.take(stage, 1))
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(1) end)
    :ok = Application.stop(:pg_etf)
    FakeSlot.append(slot, [1, 1])
    PgEtf.ack(Stage.take(stage, 2))
    eventually(fn -> FakeSlot.confirmed(slot) == FakeSlot.end_lsn(3) end)
    FakeSlot.kill(slot)
    eventually(fn -> FakeSlot.runs(slot) == 2 end)
    assert Process.alive?(stage)
  end
end
