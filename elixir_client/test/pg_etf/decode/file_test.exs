defmodule PgEtf.Decode.FileTest do
  # PgEtf.Frame.stream_file!/2.
  use ExUnit.Case, async: true

  alias PgEtf.Frame

  @relation {:relation, 1, "public", "t", :default,
             [{"id", 20, "int8", -1, [:key]}, {"note", 25, "text", -1, []}]}

  defp tx(events), do: {:tx, :whole, {742, 1000, 1100, 0}, 0, length(events), %{}, events}

  @moduletag :tmp_dir

  test "reads what pg_recvlogical writes, in any chunks", %{tmp_dir: dir} do
    path = Path.join(dir, "changes.etf")

    frames =
      for id <- 1..20 do
        events = if id == 1, do: [@relation], else: []
        # A newline byte in the data must not be taken for the end of a frame.
        tx(events ++ [{:insert, 1, {id, String.duplicate("\n", id)}}])
      end

    File.write!(path, Enum.map(frames, &[:erlang.term_to_binary(&1), ?\n]))

    for chunk_bytes <- [1, 7, 1000, 1_048_576] do
      changes = path |> Frame.stream_file!(chunk_bytes: chunk_bytes) |> Enum.to_list()
      assert Enum.map(changes, & &1.record["id"]) == Enum.to_list(1..20)
    end
  end

  test "takes nothing for committed that may not be", %{tmp_dir: dir} do
    path = Path.join(dir, "prepared.etf")

    for {frame, option} <- [
          {{:stream_commit, {1, 2, 3, 4}, %{}}, "streaming"},
          {{:prepare, :whole, {1, 2, 3, 4}, 0, 0, %{gid: "g"}, []}, "two_phase"},
          {{:commit_prepared, {1, 2, 3, 4}, %{gid: "g"}}, "two_phase"}
        ] do
      File.write!(path, :erlang.term_to_binary(frame))

      assert_raise ArgumentError, ~r/prepared.etf: a frame of option "#{option}"/, fn ->
        path |> Frame.stream_file!() |> Stream.run()
      end
    end
  end

  test "tells when the file is cut off or missing", %{tmp_dir: dir} do
    path = Path.join(dir, "cut.etf")
    bytes = :erlang.term_to_binary(tx([@relation]))
    File.write!(path, binary_part(bytes, 0, byte_size(bytes) - 1))

    assert_raise ArgumentError, ~r/ends inside a frame/, fn ->
      path |> Frame.stream_file!() |> Stream.run()
    end

    # Damaged inside: what follows is not read to its end before that is told.
    File.write!(path, [<<131, 104, 7, 119, 250>>, String.duplicate("x", 100_000)])

    assert_raise ArgumentError, ~r/no frame ends within 5000 bytes/, fn ->
      path |> Frame.stream_file!(chunk_bytes: 1000, max_bytes: 5000) |> Stream.run()
    end

    assert_raise File.Error, fn ->
      Path.join(dir, "none") |> Frame.stream_file!() |> Stream.run()
    end

    assert_raise ArgumentError, ~r/:key/, fn -> Frame.stream_file!(path, key: :atoms!) end
  end
end
