defmodule PgEtf.WrongProgramTest do
  # Another program in the place of the C program: the consumer must neither hang nor
  # spin, and leave no program behind.
  use ExUnit.Case, async: true

  import PgEtf.Eventually

  alias PgEtf.{Consumer, Error}

  @moduletag :capture_log
  @moduletag :tmp_dir

  defmodule Nothing do
    @behaviour Consumer

    @impl true
    def handle_changes(_changes, state), do: {:ok, state}
  end

  setup %{tmp_dir: dir} do
    Process.flag(:trap_exit, true)
    %{path: Path.join(dir, "program"), pids: Path.join(dir, "pids")}
  end

  defp start(context, body, more \\ []) do
    File.write!(context.path, "#!/bin/sh\necho $$ >> #{context.pids}\n" <> body)
    File.chmod!(context.path, 0o755)

    opts = [
      connection: [],
      slot: "s",
      client_path: context.path,
      heartbeat: 200,
      backoff_min: 20,
      backoff_max: 200,
      shutdown_timeout: 200
    ]

    {:ok, consumer} = Consumer.start_link(Nothing, nil, Keyword.merge(opts, more))
    consumer
  end

  defp started(%{pids: pids}) do
    case File.read(pids) do
      {:ok, text} -> String.split(text)
      _ -> []
    end
  end

  defp all_gone(context) do
    eventually(fn -> not Enum.any?(started(context), &File.exists?("/proc/#{&1}")) end)
  end

  for {title, body} <- [
        {"prints text, which looks like a packet that never ends",
         "echo 'Hello!'; exec sleep 60"},
        {"never answers", "exec sleep 60"},
        {"closes its output and stays", "exec sleep 60 >&-"},
        {"ignores that it should end", "trap '' TERM INT; exec sleep 60 <&-"},
        {"fills a stderr that nobody reads", "mkfifo $0.$$; exec 2<> $0.$$; exec yes >&2"},
        {"ends at once", "exit 0"},
        {"is killed at once", "kill -KILL $$"}
      ] do
    test "one that #{title} is replaced, with pauses", context do
      since = System.monotonic_time(:millisecond)
      consumer = start(context, unquote(body))
      eventually(fn -> length(started(context)) >= 6 end)
      # The least that five pauses last.
      least = 10 + 20 + 40 + 80 + 100
      assert System.monotonic_time(:millisecond) - since >= least
      assert %{error: %Error{class: :port}} = PgEtf.info(consumer)
      {microseconds, :ok} = :timer.tc(fn -> GenServer.stop(consumer) end)
      # The program itself would stay for a minute.
      assert microseconds < 30_000_000
      all_gone(context)
    end
  end

  test "one that lacks a library halts, and is looked at again", context do
    body = "head -c 4 > /dev/null; test -e #{context.path}.lib || exit 127; exec sleep 60"
    consumer = start(context, body, retry_after: 20)
    eventually(fn -> PgEtf.info(consumer).status == :halted end)
    assert %Error{class: :config, hint: hint} = PgEtf.info(consumer).error
    assert hint =~ "libpq5"
    File.touch!(context.path <> ".lib")
    eventually(fn -> PgEtf.info(consumer).status == :connecting end)
    GenServer.stop(consumer)
    all_gone(context)
  end

  for {title, packet} <- [
        {"bytes that are no term", "abc"},
        {"a term with a strange atom", :erlang.term_to_binary({:status, :no_such})},
        {"an empty packet", ""},
        {"a word that it does not have", :erlang.term_to_binary({:stats})},
        {"a list of no frames", :erlang.term_to_binary([1, 2])},
        {"an improper list", :erlang.term_to_binary([1 | 2])},
        {"a status without its map", :erlang.term_to_binary({:status, :connected, nil})},
        {"a position that is none", :erlang.term_to_binary({:position, "x"})},
        {"statistics that are none", :erlang.term_to_binary({:stats, []})},
        {"a last word without its map", :erlang.term_to_binary({:fatal, :config, nil})},
        {"a log without text", :erlang.term_to_binary({:log, :info, {1}})}
      ] do
    test "one that says #{title} ends the stream", context do
      packet = unquote(packet)
      packet = <<byte_size(packet)::32, packet::binary>>
      octal = for <<byte <- packet>>, into: "", do: "\\" <> Integer.to_string(byte, 8)
      octal = String.replace(octal, ~r/\\(\d{1,2})(?=\\|$)/, "\\\\0\\1")
      more = [heartbeat: 10_000, on_error: :stop]
      consumer = start(context, "printf '#{octal}'; exec sleep 60", more)
      assert_receive {:EXIT, ^consumer, {%Error{class: :protocol}, []}}, 10_000
      all_gone(context)
    end
  end
end
