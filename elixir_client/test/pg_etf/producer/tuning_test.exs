defmodule PgEtf.Producer.TuningTest do
  use ExUnit.Case, async: true

  alias PgEtf.Producer.Tuning

  test "processors are for many small messages, unless the user has said otherwise" do
    assert %{max_demand: 50, spawn_opt: heap} = tuned(max_demand: 10)
    assert heap[:message_queue_data] == :off_heap
    assert tuned(max_demand: 11).max_demand == 11
    assert tuned(max_demand: 10, min_demand: 5).max_demand == 10

    own = [message_queue_data: :on_heap, priority: :low]
    assert %{spawn_opt: spawn_opt} = tuned(max_demand: 10, spawn_opt: own)
    assert Enum.sort(spawn_opt) == Enum.sort([min_heap_size: heap[:min_heap_size]] ++ own)
  end

  defp tuned(processors) do
    [processors: [a: opts]] = Tuning.tune(processors: [a: processors])
    Map.new(opts)
  end

  test "what is less than the processors ask for is divided, unless it is little" do
    assert Tuning.share(100, 800, 8) == 13
    assert Tuning.share(20, 800, 8) == 10
    assert Tuning.share(9, 800, 8) == 800
    assert Tuning.share(100, 100, 8) == 100
    assert Tuning.share(100, 800, 1) == 800
    assert Tuning.share(0, 800, 8) == 800
  end

  test "keys divide messages themselves" do
    processors = [concurrency: 3, partition_by: nil]
    broadway = [processors: [default: processors]]
    assert Tuning.shares(broadway: broadway) == 3
    assert Tuning.shares([]) == 1
    broadway = put_in(broadway, [:processors, :default, :partition_by], &PgEtf.partition_by/1)
    assert Tuning.shares(broadway: broadway) == 1
  end
end
