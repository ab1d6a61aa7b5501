defmodule PgEtf.Fanout.WorkerTest do
  # What a worker says of what it has handled. The test is its reader.
  use ExUnit.Case, async: true

  alias PgEtf.Fanout
  alias PgEtf.Fanout.{Reader, Rows, Worker}

  @moduletag :capture_log

  defmodule Handler do
    @behaviour PgEtf.Consumer

    @impl true
    def handle_changes([%{record: %{"pause" => pause}}], :fail) when pause < 0, do: raise("no")

    def handle_changes([%{record: %{"pause" => pause}}], state) do
      if pause > 0, do: Process.sleep(pause)
      {:ok, state}
    end
  end

  defp start do
    name = :"worker_#{System.unique_integer([:positive])}"
    opts = [name: name, workers: 1, reader: false, batch_size: 1]
    start_supervised!({Fanout, {Handler, :fail, opts}})
    [worker] = :pg.get_members(:"#{name}.PgEtf.Fanout", Worker)
    ref = make_ref()
    send(worker, {Worker, :welcome, self(), ref, false})
    assert_receive {Reader, :ready, ^ref, _}
    {worker, ref}
  end

  defp handle({worker, ref}, pauses) do
    {rows, _} =
      Rows.pack(for(pause <- pauses, do: PgEtf.Testing.insert("a", %{"pause" => pause})), %{})

    send(worker, {Worker, :rows, ref, rows})
    answers(length(pauses))
  end

  defp answers(0), do: []

  defp answers(left) do
    receive do
      {Reader, :done, _ref, count} -> [{:done, count} | answers(left - count)]
      {Reader, :failed, _ref, count, _status} -> [{:failed, count} | answers(left - count)]
    after
      5_000 -> flunk("#{left} have no answer")
    end
  end

  test "what is handled soon is acknowledged together, with the end of a message at last" do
    worker = start()
    answers = handle(worker, List.duplicate(0, 500))
    assert Enum.sum(for {:done, count} <- answers, do: count) == 500
    assert length(answers) < 100
  end

  test "what takes its time is acknowledged at once" do
    assert start() |> handle([10, 10, 10]) == [done: 1, done: 1, done: 1]
  end

  test "what was handled before a failure is acknowledged before it" do
    answers = start() |> handle([0, 0, 0, -1, 0, 0])
    assert {before, [{:failed, 1} | later]} = Enum.split_while(answers, &(elem(&1, 0) == :done))
    assert [before, later] |> Enum.map(&Enum.sum(Keyword.values(&1))) == [3, 2]
  end
end
