defmodule PgEtf.FrameTest do
  use ExUnit.Case, async: true

  alias PgEtf.{Change, Frame, Gen, Relation}

  @relation {:relation, 16_385, "public", "orders", :default,
             [
               {"id", 20, "int8", -1, [:key]},
               {"total", 1700, "numeric", 655_366, []},
               {"placed", 1184, "timestamptz", 0, []},
               {"note", 25, "text", -1, []}
             ]}

  @head {742, 1000, 1100, 1_700_000_000_000_000}

  defp tx(events, opts \\ []) do
    count = Enum.count(events, &(elem(&1, 0) != :relation))

    {:tx, opts[:part] || :whole, @head, opts[:first] || 0, count, opts[:meta] || %{}, events}
  end

  defp changes(events, opts \\ []) do
    {of_frame, opts} = Keyword.split(opts, [:part, :first, :meta])
    bytes = :erlang.term_to_binary(tx(events, of_frame))
    {:ok, frame, _} = Frame.decode(Frame.decoder(opts), bytes)
    frame.changes
  end

  defp decimal(coef, exp), do: %{__struct__: Decimal, sign: 1, coef: coef, exp: exp}

  test "an insert is a map of finished values" do
    assert [change] = changes([@relation, {:insert, 16_385, {1, {995, -2}, 0, "hi"}}])

    assert change == %Change{
             op: :insert,
             schema: "public",
             table: "orders",
             record: %{
               "id" => 1,
               "total" => decimal(995, -2),
               "placed" => ~U[1970-01-01 00:00:00Z],
               "note" => "hi"
             },
             key: %{"id" => 1},
             commit_lsn: 1000,
             end_lsn: 1100,
             index: 0,
             xid: 742,
             commit_time: ~U[2023-11-14 22:13:20.000000Z],
             last?: true
           }
  end

  test "an update knows the row it changed by its old key" do
    new = {2, nil, nil, "x"}

    assert [same, moved, full] =
             changes([
               @relation,
               {:update, 16_385, nil, new},
               {:update, 16_385, {:key, {1}}, new},
               {:update, 16_385, {:full, {1, nil, nil, "w"}}, new}
             ])

    assert {same.key, same.old_record} == {%{"id" => 2}, nil}
    assert {moved.key, moved.old_record} == {%{"id" => 1}, %{"id" => 1}}
    assert full.key == %{"id" => 1}
    assert full.old_record == %{"id" => 1, "total" => nil, "placed" => nil, "note" => "w"}
  end

  test "a key may travel at full width" do
    assert [%{old_record: %{"id" => 1} = old}] =
             changes([@relation, {:delete, 16_385, {:key, {1, nil, nil, nil}}}])

    assert map_size(old) == 1
  end

  test "a large value that did not change is listed, not in the record" do
    assert [change] =
             changes([@relation, {:update, 16_385, nil, {1, nil, nil, :unchanged_toast}}])

    assert change.unchanged_toast == ["note"]
    refute is_map_key(change.record, "note")
  end

  test "a delete without an identity has nothing to tell" do
    assert [%{op: :delete, key: nil, old_record: nil, record: nil, table: "orders"}] =
             changes([@relation, {:delete, 16_385, :none}])
  end

  test "under the full identity the primary key is the key" do
    delete = {:delete, 16_385, {:full, {1, nil, nil, "w"}}}
    relation = put_elem(@relation, 4, :full)
    assert [%{key: nil, old_record: %{"note" => "w"}}] = changes([relation, delete])

    columns = [{"id", 20, "int8", -1, [:primary]} | tl(elem(@relation, 5))]
    relation = put_elem(relation, 5, columns)
    assert [%{key: %{"id" => 1} = key}] = changes([relation, delete])
    assert map_size(key) == 1
  end

  test "a truncate names all its tables" do
    other = {:relation, 7, "public", "items", :default, []}

    assert [%{op: :truncate, table: "orders"} = change] =
             changes([@relation, other, {:truncate, [16_385, 7], [:cascade]}])

    assert change.truncated == [{"public", "orders"}, {"public", "items"}]
    assert change.truncate_options == [:cascade]
  end

  test "logical messages, in a transaction and alone" do
    assert [%{op: :message, prefix: "p", content: <<0, 1>>, commit_lsn: 1000}] =
             changes([{:message, "p", <<0, 1>>}])

    assert {:ok, %{changes: [%{op: :message, commit_lsn: 4, end_lsn: 5}]}, _} =
             Frame.decode(Frame.decoder(), {:message, 5, "p", "c"})
  end

  test "indexes go on from the frame's first, relations being free" do
    events = [@relation, {:delete, 16_385, :none}, @relation, {:delete, 16_385, :none}]
    assert [%{index: 40}, %{index: 41}] = changes(events, first: 40, part: :middle)
  end

  test "only the end of a transaction is marked as such" do
    events = [@relation, {:delete, 16_385, :none}, {:delete, 16_385, :none}]
    assert [false, true] = Enum.map(changes(events), & &1.last?)
    assert [false, false] = Enum.map(changes(events, part: :first), & &1.last?)
    assert [] = changes([], part: :last)
  end

  test "what was seen before is left out, its relations are not" do
    frame = tx([@relation, {:delete, 16_385, :none}, {:insert, 16_385, {9, nil, nil, nil}}])
    assert {:ok, %{changes: [change]}, _} = Frame.decode(Frame.decoder(), frame, 1)
    assert {change.op, change.index} == {:insert, 1}
  end

  test "relations are remembered from frame to frame, and replaced" do
    {:ok, _, decoder} = Frame.decode(Frame.decoder(), tx([@relation]))
    insert = tx([{:insert, 16_385, {1, nil, nil, nil}}])

    assert {:ok, %{changes: [%{record: %{"total" => nil}}]}, decoder} =
             Frame.decode(decoder, insert)

    narrow = {:relation, 16_385, "public", "orders", :default, [{"id", 20, "int8", -1, [:key]}]}

    {:ok, %{changes: [change]}, decoder} =
      Frame.decode(decoder, tx([narrow, {:insert, 16_385, {3}}]))

    assert change.record == %{"id" => 3}
    assert %Relation{columns: [%{name: "id"}]} = decoder.relations[16_385]
  end

  test "nested types are finished by the shape that came with the column" do
    shape = {:array, {:composite, [{"day", 1082, -1}, {"n", 23, -1}]}}

    relation =
      {:relation, 8, "public", "t", :nothing, [{"a", 90_001, "_pair", -1, [{:as, shape}]}]}

    assert [%{record: %{"a" => [{~D[1970-01-02], 5}]}}] =
             changes([relation, {:insert, 8, {[{1, 5}]}}])
  end

  test "names become existing atoms only, unless all were asked for" do
    relation = {:relation, 8, "public", "t", :nothing, [{"id", 23, "int4", -1, [:key]}]}
    strange = "column_#{System.unique_integer([:positive])}_#{System.os_time()}"
    unknown = put_elem(relation, 5, [{strange, 23, "int4", -1, []}])

    assert [%{record: %{id: 1}, key: %{id: 1}}] =
             changes([relation, {:insert, 8, {1}}], keys: :atoms!)

    assert [%{record: %{^strange => 1}}] = changes([unknown, {:insert, 8, {1}}], keys: :atoms)

    # Never mixed: a pattern on one of the atoms would match or not as the others are there.
    {_, _, _, _, _, columns} = relation
    mixed = put_elem(relation, 5, columns ++ elem(unknown, 5))
    decoder = Frame.decoder(keys: :atoms!)
    {:ok, frame, decoder} = Frame.decode(decoder, tx([mixed, {:insert, 8, {1, 2}}]))
    assert [%{record: %{"id" => 1, ^strange => 2}, key: %{"id" => 1}}] = frame.changes
    assert [%Relation{without_atom: [^strange]}] = decoder.met
    assert [%{record: record}] = changes([unknown, {:insert, 8, {1}}], keys: :create_atoms)
    assert record == %{String.to_existing_atom(strange) => 1}
  end

  @tag :tmp_dir
  test "atoms of modules that are not loaded yet", %{tmp_dir: dir} do
    field = "field_#{System.unique_integer([:positive])}"
    module = "Elixir.PgEtf.Late#{System.unique_integer([:positive])}"
    # Compiled elsewhere: here the atom is not there.
    code =
      "[{m, b}] = Code.compile_string(~s(defmodule :'#{module}' do defstruct [:#{field}] end)); " <>
        "File.write!(Path.join(~s(#{dir}), ~s(\#{m}.beam)), b)"

    assert {_, 0} = System.cmd("elixir", ["-e", code], stderr_to_stdout: true)
    Code.prepend_path(dir)
    relation = {:relation, 8, "public", "t", :nothing, [{field, 23, "int4", -1, []}]}
    insert = [relation, {:insert, 8, {1}}]
    assert [%{record: %{^field => 1}}] = changes(insert, keys: :atoms)
    assert [%{record: record}] = changes(insert, keys: {:atoms!, [String.to_atom(module)]})
    assert record == %{String.to_existing_atom(field) => 1}
  after
    Code.delete_path(dir)
  end

  describe "an update that changes the key, split," do
    @keyed {:relation, 9, "public", "t", :default,
            [{"id", 20, "int8", -1, [:key]}, {"big", 25, "text", -1, []}]}

    defp split(events, opts \\ []),
      do: changes([@keyed | events], [split_key_changes: true] ++ opts)

    test "is a delete and an insert, each of its own row and place" do
      assert [first, delete, insert, last] =
               split([
                 {:insert, 9, {1, "a"}},
                 {:update, 9, {:key, {1}}, {2, "a"}},
                 {:delete, 9, {:key, {2}}}
               ])

      assert {first.op, first.index} == {:insert, 0}

      assert {delete.op, delete.key, delete.record, delete.old_record, delete.index} ==
               {:delete, %{"id" => 1}, nil, %{"id" => 1}, 2}

      assert {insert.op, insert.key, insert.record, insert.old_record, insert.index} ==
               {:insert, %{"id" => 2}, %{"id" => 2, "big" => "a"}, nil, 3}

      assert {last.op, last.key, last.index, last.last?} == {:delete, %{"id" => 2}, 4, true}
      refute delete.last? or insert.last?
      # The next change of the new row goes its way.
      assert PgEtf.partition_by(insert) == PgEtf.partition_by(last)
      assert PgEtf.partition_by(delete) == PgEtf.partition_by(first)
    end

    test "is the end of its transaction with its second half" do
      assert [%{op: :delete, last?: false}, %{op: :insert, last?: true}] =
               split([{:update, 9, {:key, {1}}, {2, "a"}}])
    end

    test "names a large value that nobody sent, and has it where the old row does" do
      assert [_, %{op: :insert, record: %{"id" => 2} = record, unchanged_toast: ["big"]}] =
               split([{:update, 9, {:key, {1}}, {2, :unchanged_toast}}])

      refute is_map_key(record, "big")

      full =
        @keyed
        |> put_elem(4, :full)
        |> put_elem(5, [{"id", 20, "int8", -1, [:primary]}, {"big", 25, "text", -1, []}])

      assert [_, %{record: %{"id" => 2, "big" => "b"}, unchanged_toast: [], key: %{"id" => 2}}] =
               split([full, {:update, 9, {:full, {1, "b"}}, {2, :unchanged_toast}}])
    end

    test "leaves other updates whole, also one whose large key was logged again" do
      key = put_elem(@keyed, 5, [{"id", 20, "int8", -1, [:key]}, {"big", 25, "text", -1, [:key]}])

      assert [%{op: :update, index: 0}, %{op: :update, index: 2}, %{op: :update, index: 4}] =
               split([
                 {:update, 9, nil, {1, "a"}},
                 key,
                 {:update, 9, {:key, {1, "k"}}, {1, :unchanged_toast}},
                 {:update, 9, nil, {1, "b"}}
               ])
    end

    test "keeps its places when it comes again" do
      frame = tx([@keyed, {:insert, 9, {0, "a"}}, {:update, 9, {:key, {1}}, {2, "a"}}])
      decoder = Frame.decoder(split_key_changes: true)
      assert {:ok, %{changes: changes}, _} = Frame.decode(decoder, frame, 1)
      assert Enum.map(changes, &{&1.op, &1.index}) == [delete: 2, insert: 3]
    end
  end

  test "rows that come as maps are taken as they are" do
    assert [change] =
             changes([
               @relation,
               {:update, 16_385, nil, %{"id" => 1, "note" => :unchanged_toast}}
             ])

    assert {change.record, change.unchanged_toast} == {%{"id" => 1}, ["note"]}
  end

  describe "what is malformed" do
    test "is an error that names it" do
      for {frame, text} <- [
            {tx([{:insert, 1, {1}}]), "relation 1, which has not been described"},
            {tx([@relation, {:insert, 16_385, {1}}]), "public.orders does not have its columns"},
            {tx([@relation, {:insert, 16_385, 5}]), "is not a row"},
            {tx([{:replace, 1}]), "event of an unknown kind"},
            {{:snapshot, :first}, "frame of an unknown kind"},
            {"nonsense", "not a complete term"}
          ] do
        assert {:error, reason} = Frame.decode(Frame.decoder(), frame)
        assert reason =~ text
      end
    end

    test "cannot make atoms" do
      name = "never_seen_#{System.unique_integer([:positive])}"
      bytes = <<131, 119, byte_size(name), name::binary>>
      assert {:error, _} = Frame.decode(Frame.decoder(), bytes)
      assert_raise ArgumentError, fn -> String.to_existing_atom(name) end
    end

    test "never raises, whatever byte is hit" do
      bytes = :erlang.term_to_binary(tx([@relation, {:insert, 16_385, {1, {5, -1}, 0, "n"}}]))

      Gen.run(
        Gen.bind(Gen.integer(0..(byte_size(bytes) - 1)), fn at ->
          Gen.map(Gen.integer(0..255), &{at, &1})
        end),
        2000,
        fn {at, byte} ->
          before = binary_part(bytes, 0, at)
          rest = binary_part(bytes, at + 1, byte_size(bytes) - at - 1)

          case Frame.decode(Frame.decoder(), <<before::binary, byte, rest::binary>>) do
            {:ok, %Frame{}, _} -> :ok
            {:error, reason} -> assert is_binary(reason)
          end
        end
      )
    end
  end

  # For any frames cut out of a transaction, at any place, decoding gives the rows
  # that went in, in order, and a second delivery gives only what was not seen.
  test "cutting a transaction loses and repeats nothing" do
    cuts =
      Gen.bind(Gen.list(Gen.integer(1..5), 1..8), fn sizes ->
        Gen.map(Gen.integer(0..Enum.sum(sizes)), &{sizes, &1})
      end)

    Gen.run(cuts, 200, fn {sizes, seen} ->
      frames = frames(sizes)
      total = Enum.sum(sizes)
      assert Enum.map(decode_all(frames, 0), & &1.index) == Enum.to_list(0..(total - 1)//1)

      assert Enum.map(decode_all(frames, seen), & &1.record["id"]) ==
               Enum.to_list(seen..(total - 1)//1)
    end)
  end

  defp frames(sizes) do
    {frames, _} =
      Enum.map_reduce(sizes, 0, fn size, first ->
        rows = for id <- first..(first + size - 1), do: {:insert, 16_385, {id, nil, nil, nil}}
        rows = if first == 0, do: [@relation | rows], else: rows
        {tx(rows, first: first, part: :middle), first + size}
      end)

    frames
  end

  defp decode_all(frames, from) do
    {changes, _} =
      Enum.flat_map_reduce(frames, Frame.decoder(), fn frame, decoder ->
        {:ok, frame, decoder} = Frame.decode(decoder, frame, from)
        {frame.changes, decoder}
      end)

    changes
  end
end
