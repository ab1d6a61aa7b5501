defmodule PgEtf.SidecarBootTest do
  # A BEAM as PostgreSQL starts it: control channel on descriptors 3 and 4.
  use ExUnit.Case, async: true

  import PgEtf.Backend

  @code """
  defmodule Shop.Tax do
    use PgEtf.Functions
    @sql "tax(price numeric) RETURNS numeric"
    def tax(price), do: price * 2
  end
  """

  setup do
    dir = Path.join(System.tmp_dir!(), "pg_etf_boot_#{System.unique_integer([:positive])}")
    File.mkdir_p!(dir)
    File.write!(Path.join(dir, "tax.ex"), @code)
    on_exit(fn -> File.rm_rf!(dir) end)
    {:ok, dir: dir, path: Path.join(dir, "sock")}
  end

  test "takes its settings, serves, answers heartbeats, stops when told", %{dir: dir, path: path} do
    port = boot(path)
    tell_worker(port, {:start, settings(dir, path)})
    assert {:ready, %{pid: pid, otp: _, boot: boot}} = hear_worker(port)
    assert is_integer(pid) and is_binary(boot)
    assert {7, :ok, 6} = path |> connect() |> call("Shop.Tax.tax", [3])
    tell_worker(port, {:ping, 5})
    assert {:pong, 5, %{memory: memory, request_count: 1, run_queue: _}} = hear_worker(port)
    assert memory > 1_000_000
    tell_worker(port, :stop)
    assert_receive {^port, {:exit_status, 0}}, 30_000
    refute File.exists?(path)
  end

  test "halts when the worker is gone", %{dir: dir, path: path} do
    port = boot(path)
    tell_worker(port, {:start, settings(dir, path)})
    assert {:ready, %{pid: pid}} = hear_worker(port)
    Port.close(port)
    PgEtf.Eventually.eventually(fn -> not File.exists?("/proc/#{pid}") end)
  end

  test "says why it cannot start, and ends", %{dir: dir, path: path} do
    port = boot(path)
    tell_worker(port, {:start, %{settings(dir, path) | code_path: dir <> "/nothing.ex"}})
    assert_receive {^port, {:exit_status, 1}}, 30_000
  end

  defp settings(dir, path) do
    %{
      socket: path,
      max_message_bytes: 1_000_000,
      call_memory_mb: 64,
      result_ttl: 60,
      allow_load_code: false,
      code_path: dir
    }
  end

  defp boot(path) do
    ebin = :pg_etf |> :code.lib_dir() |> Path.join("ebin")
    elixir = System.find_executable("elixir")

    start =
      "exec 3<&0 4>&1 0</dev/null 1>/dev/null 2>&1; " <>
        "PG_ETF_SIDECAR=#{path} exec #{elixir} -pa #{ebin} -e PgEtf.Sidecar.boot --no-halt"

    Port.open({:spawn_executable, "/bin/sh"}, [
      :binary,
      :exit_status,
      packet: 4,
      args: ["-c", start]
    ])
  end

  defp tell_worker(port, term), do: Port.command(port, :erlang.term_to_binary(term))

  defp hear_worker(port) do
    assert_receive {^port, {:data, packet}}, 30_000
    :erlang.binary_to_term(packet)
  end
end
