defmodule PgEtf.Fanout.VersionsTest do
  # Nodes of one cluster with different versions of this library. The test is a worker.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{FakeSlot, Fanout}
  alias PgEtf.Fanout.{Reader, Rows, Wire, Worker}

  defmodule Handler do
    @behaviour PgEtf.Consumer

    @impl true
    def handle_changes(changes, test) do
      send(test, {:handled, changes})
      {:ok, test}
    end
  end

  defp start(opts) do
    name = :"versions_#{System.unique_integer([:positive])}"
    start_supervised!({Fanout, {Handler, self(), [name: name] ++ opts}})
    :"#{name}.PgEtf.Fanout"
  end

  # What a worker is sent that says this of itself, and has it handled.
  defp received(about) do
    slot = FakeSlot.start([2, 1])
    scope = start(opts(slot, workers: 0))
    :ok = :pg.join(scope, Worker, self())
    assert_receive {Worker, :welcome, reader, ref, true}
    send(reader, {Reader, :ready, ref, Map.merge(%{node: node(), index: 0, window: 10}, about)})
    assert_receive {Worker, form, ^ref, rows}
    send(reader, {Reader, :done, ref, 3})
    eventually(fn -> done?(slot, 2) end)
    {form, rows}
  end

  defp numbers(changes), do: for(change <- changes, do: change.record["id"])

  test "an older worker is sent what it knows" do
    assert {:packed, changes} = received(%{})
    assert changes |> Wire.unpack() |> numbers() == [0, 1, 2]
  end

  test "a newer one is sent what the reader knows" do
    assert {:rows, rows} = received(%{wire: Rows.version() + 1, more: :of_it})
    assert {changes, _} = Rows.unpack(rows, %{})
    assert numbers(changes) == [0, 1, 2]
    assert Enum.map(changes, & &1.last?) == [false, true, true]
  end

  test "a worker says what it knows, and knows what an older reader sends" do
    scope = start(workers: 1, reader: false)
    [worker] = :pg.get_members(scope, Worker)
    ref = make_ref()
    send(worker, {Worker, :welcome, self(), ref, true})
    version = Rows.version()
    assert_receive {Reader, :ready, ^ref, %{index: 0, window: 500, wire: ^version}}

    changes = for n <- 1..3, do: PgEtf.Testing.insert("a", %{"id" => n})
    send(worker, {Worker, :packed, ref, Wire.pack(changes)})
    assert_receive {:handled, ^changes}
    assert_receive {Reader, :done, ^ref, 3}
  end
end
