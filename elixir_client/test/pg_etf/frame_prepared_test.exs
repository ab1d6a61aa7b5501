defmodule PgEtf.FramePreparedTest do
  # Frames of what is not committed.
  use ExUnit.Case, async: true

  alias PgEtf.{Change, Frame}

  @relation {:relation, 1, "public", "t", :default, [{"id", 20, "int8", -1, [:key]}]}

  @head {742, 1000, 1100, 1_700_000_000_000_000}

  test "a prepared transaction has its identifier" do
    events = [@relation, {:insert, 1, {1}}]
    prepare = {:prepare, :whole, @head, 0, 1, %{gid: ""}, events}
    assert {:ok, frame, _} = Frame.decode(Frame.decoder(), :erlang.term_to_binary(prepare))
    assert {frame.prepared, frame.decision, frame.count} == {"", nil, 1}
    assert [%Change{op: :insert, commit_lsn: 1000, end_lsn: 1100, last?: true}] = frame.changes
    without = put_elem(prepare, 5, %{})
    assert {:error, "a malformed frame" <> _} = Frame.decode(Frame.decoder(), without)
  end

  test "a decision is of a whole frame" do
    for {tag, op} <- [commit_prepared: :commit, rollback_prepared: :rollback] do
      decision = {tag, @head, %{gid: "g", prepare_end_lsn: 9, prepare_time: 9}}
      assert {:ok, frame, _} = Frame.decode(Frame.decoder(), :erlang.term_to_binary(decision))

      assert frame.decision == %PgEtf.Prepared{
               op: op,
               gid: "g",
               xid: 742,
               lsn: 1000,
               end_lsn: 1100,
               time: ~U[2023-11-14 22:13:20.000000Z]
             }

      assert {frame.changes, frame.count, Frame.closes(frame)} == {[], 1, 1100}
    end
  end

  test "a stream in progress is an error that says what can read it" do
    for frame <- [
          {:stream, :first, {7, 7, 1}, 0, 0, %{}, []},
          {:stream_abort, {7, 7, 1, 0}},
          {:stream_commit, @head, %{}},
          {:stream_prepare, @head, %{gid: "g"}}
        ] do
      assert {:error, reason} = Frame.decode(Frame.decoder(), :erlang.term_to_binary(frame))
      assert reason =~ ~s(option "streaming") and reason =~ "pg_etf_client --read"
    end
  end
end
