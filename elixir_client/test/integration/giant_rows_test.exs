defmodule PgEtf.Integration.GiantRowsTest do
  # Rows of some hundred MB that are read: they arrive, the BEAM needs what
  # docs/snapshots.md says, and the stream goes on. PG_ETF_FULL=1: of 900 MB.
  use PgEtf.Integration

  @megabytes if(System.get_env("PG_ETF_FULL") in [nil, ""], do: 100, else: 900)
  @bytes @megabytes * 1024 * 1024
  @moduletag timeout: 600_000

  defmodule Sizes do
    @moduledoc false
    # Keeps nothing of a row.
    use PgEtf.Consumer

    @impl true
    def handle_changes(changes, test) do
      for %{op: op, record: %{"v" => v}} <- changes, do: send(test, {op, byte_size(v)})
      {:ok, test}
    end
  end

  setup_all %{sandbox: sandbox} do
    create_extension(sandbox)

    Sandbox.psql!(sandbox, """
    CREATE TABLE giant (id int PRIMARY KEY, v text);
    INSERT INTO giant VALUES (1, 'small');
    INSERT INTO giant VALUES (2, repeat(repeat('x', 1024), #{@megabytes} * 1024));
    INSERT INTO giant VALUES (3, 'small');
    """)

    :ok
  end

  # The most that the VM had while it ran, beyond what it had before, in MB.
  defp peak(function) do
    before = :erlang.memory(:total)
    watch = Task.async(fn -> watch(before) end)
    function.()
    send(watch.pid, :enough)
    div(Task.await(watch) - before, 1024 * 1024)
  end

  defp watch(most) do
    receive do
      :enough -> most
    after
      2 -> watch(max(most, :erlang.memory(:total)))
    end
  end

  for mode <- [:exact, :incremental] do
    test "mode #{mode}", %{sandbox: sandbox} do
      Sandbox.psql!(sandbox, "DELETE FROM giant WHERE id = 4")
      snapshot = [tables: ["public.giant"], mode: unquote(mode), jobs: 1]
      more = [create_slot: true, snapshot: snapshot]
      opts = options(sandbox, name("s"), more)

      peak =
        peak(fn ->
          {:ok, consumer} = PgEtf.Consumer.start_link(Sizes, self(), opts)
          for size <- [5, @bytes, 5], do: assert_receive({:read, ^size}, 300_000)
          Sandbox.psql!(sandbox, "INSERT INTO giant VALUES (4, 'later')")
          assert_receive {:insert, 5}, 60_000
          GenServer.stop(consumer)
        end)

      # Twice the row, and what everything else takes.
      assert peak in @megabytes..(2 * @megabytes + 40)
    end
  end
end
