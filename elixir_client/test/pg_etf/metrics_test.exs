defmodule PgEtf.MetricsTest do
  # What the metrics say is what happened, to one stream among others.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{FakeSlot, Metrics, Stage}
  alias PgEtf.Metrics.{Counters, History, Report, Table}
  alias PgEtf.Stream.Tally

  defp text, do: IO.iodata_to_binary(Metrics.text())

  # The samples of a slot: name and further labels => value.
  defp samples(slot) do
    for line <- String.split(text(), "\n"),
        [_, name, labels, value] <- [
          Regex.run(~r/^(\w+)\{slot="#{slot}",name=""(.*)\} (.*)$/, line)
        ],
        into: %{},
        do: {name <> String.replace(labels, ~s("), ""), number(value)}
  end

  defp number(text) do
    case Integer.parse(text) do
      {number, ""} -> number
      _ -> String.to_float(text)
    end
  end

  defp report(slot), do: Enum.find(Report.all(), &(&1.slot == slot))

  test "a stream that reads, in numbers" do
    slot = FakeSlot.start([2, 1])
    stage = produce(slot, stats_interval: 20)
    messages = Stage.take(stage, 3)
    # That of the statistics has come, too.
    assert eventually(fn -> is_map_key(samples(slot), "pg_etf_retained_wal_bytes") end)

    assert %{
             "pg_etf_up" => 1,
             "pg_etf_slot_active" => 1,
             "pg_etf_state,state=streaming" => 1,
             "pg_etf_state,state=halted" => 0,
             "pg_etf_events_total,op=insert" => 3,
             "pg_etf_in_flight_events" => 3,
             "pg_etf_queued_events" => 0,
             "pg_etf_wal_status,status=reserved" => 1,
             "pg_etf_wal_status,status=lost" => 0,
             "pg_etf_retained_wal_bytes" => 0
           } = samples(slot)

    assert samples(slot)["pg_etf_received_bytes_total"] > 0
    # No limit, so no number; nothing was confirmed.
    refute is_map_key(samples(slot), "pg_etf_safe_wal_bytes")
    refute is_map_key(samples(slot), "pg_etf_last_flush_timestamp_seconds")

    PgEtf.ack(messages)
    assert eventually(fn -> samples(slot)["pg_etf_in_flight_events"] == 0 end)
    flushed = samples(slot)["pg_etf_last_flush_timestamp_seconds"]
    assert_in_delta flushed, System.system_time(:second), 60
  end

  test "how late acknowledgements are: the oldest transaction of each, in buckets" do
    slot = FakeSlot.start([1, 1])
    messages = Stage.take(produce(slot), 2)
    refute Enum.any?(samples(slot), fn {name, _} -> name =~ "commit_to_ack" end)
    PgEtf.ack(messages)
    count = "pg_etf_commit_to_ack_seconds_count"
    assert eventually(fn -> samples(slot)[count] == 1 end)
    # The transactions of the fake slot are of another time.
    samples = samples(slot)
    assert samples["pg_etf_commit_to_ack_seconds_bucket,le=300.0"] == 0
    assert samples["pg_etf_commit_to_ack_seconds_bucket,le=+Inf"] == 1
    assert samples["pg_etf_commit_to_ack_seconds_sum"] > 300

    for delay <- [0, 1, 2, 30], do: Counters.count({slot, nil}, [:flush], %{delay: delay}, %{})
    Counters.count({slot, nil}, [:flush], %{}, %{})

    for {le, number} <- [{"0.001", 2}, {"0.002", 3}, {"0.025", 3}, {"0.05", 4}, {"300.0", 4}] do
      assert samples(slot)["pg_etf_commit_to_ack_seconds_bucket,le=" <> le] == number
    end

    assert samples(slot)[count] == 5
  end

  test "a stream that stood by, and took over" do
    slot = FakeSlot.start([1], busy?: true)
    stage = produce(slot)
    assert eventually(fn -> report(slot)[:state] == :standby end)
    refute is_map_key(samples(slot), "pg_etf_takeovers_total")
    FakeSlot.free(slot, 0)
    Stage.take(stage, 1)
    assert samples(slot)["pg_etf_takeovers_total"] == 1
    FakeSlot.kill(slot)
    Stage.take(stage, 1)
    assert samples(slot)["pg_etf_takeovers_total"] == 1
  end

  test "what a packet has, by kind" do
    tx = fn part, events ->
      {:tx, part, {1, 10, if(part in [:whole, :last], do: 20, else: 0), 7}, 0, 0, %{}, events}
    end

    some = [{:relation, 1, "s", "t", :default, []}, {:insert, 1, %{}}, {:insert, 1, %{}}]
    other = [{:update, 1, nil, %{}}, {:schema, 1, :none, :none}, {:insert, 1, %{}}]
    frames = [tx.(:whole, some), {:message, 9, "p", "c"}, tx.(:last, other)]
    assert Tally.ops(frames, 5) == [insert: 3, message: 1, update: 1]
    assert Tally.ops([{:read, {"id", 1}, 2, []}], 2) == [read: 2]
    assert Tally.ops([{:read, {"id", 1}, 2, []}], 0) == []

    later = {:tx, :whole, {2, 25, 30, 8}, 0, 0, %{}, []}

    kept =
      for packet <- [frames, [tx.(:first, some)], [later]], reduce: Tally.commits() do
        commits -> Tally.keep(commits, packet)
      end

    assert {nil, ^kept} = Tally.take(kept, 19)
    assert {7, left} = Tally.take(kept, 29)
    assert {8, _} = Tally.take(left, 30)
    assert {7, _} = Tally.take(kept, 30)
  end

  test "the numbers of the server are there only where it told them" do
    slot = FakeSlot.start([])
    produce(slot, stats_interval: 20)
    names = ~w(pg_etf_retained_wal_bytes pg_etf_safe_wal_bytes pg_etf_catalog_xmin_age)
    there = fn -> samples(slot) |> Map.take(names) |> Map.values() |> Enum.sort() end

    more = %{retained_bytes: 7_000, safe_wal_size: 9_000, catalog_xmin_age: 5}
    FakeSlot.report(slot, more)
    assert eventually(fn -> there.() == [5, 7_000, 9_000] end)
    # Nothing is left.
    FakeSlot.report(slot, Map.merge(more, %{safe_wal_size: 1, wal_status: "unreserved"}))
    assert eventually(fn -> there.() == [0, 5, 7_000] end)
    assert samples(slot)["pg_etf_wal_status,status=unreserved"] == 1
    # Without a control connection.
    FakeSlot.report(slot, Map.merge(more, %{wal_status: ""}))
    assert eventually(fn -> there.() == [] end)
    refute is_map_key(samples(slot), "pg_etf_wal_status,status=unreserved")
  end

  test "the state is that of the stream, and more exactly that of its program" do
    slot = FakeSlot.start([1], busy?: true)
    stage = produce(slot, stats_interval: 20)
    assert eventually(fn -> report(slot)[:state] == :standby end)
    assert samples(slot)["pg_etf_up"] == 0
    FakeSlot.free(slot, 0)
    Stage.take(stage, 1)
    assert eventually(fn -> report(slot).state == :streaming end)
    FakeSlot.report(slot, %{state: :stalled})
    assert eventually(fn -> report(slot).state == :stalled end)
    assert samples(slot)["pg_etf_up"] == 1
    FakeSlot.report(slot, %{state: :parked})
    FakeSlot.inject(slot, {:status, :disconnected, %{reason: :stalled}})
    assert eventually(fn -> report(slot).state == :parked end)
  end

  test "failures, restarts and errors, and the last of them in words" do
    slot = FakeSlot.start([1, 1])
    stage = produce(slot)
    PgEtf.ack([], Stage.take(stage, 2))
    again = Stage.take(stage, 2)
    assert samples(slot)["pg_etf_failures_total,action=retry"] == 2
    assert samples(slot)["pg_etf_restarts_total"] == 1
    assert samples(slot)["pg_etf_errors_total,class=failure"] == 1
    # What failed comes again, and is received again.
    assert samples(slot)["pg_etf_events_total,op=insert"] == 4
    PgEtf.ack(again)

    FakeSlot.kill(slot, :auth)
    assert eventually(fn -> report(slot).state == :halted end)
    assert [%{class: :auth, message: "killed by the test", times: 1} | _] = errors(slot)
    assert samples(slot)["pg_etf_errors_total,class=auth"] == 1
  end

  defp errors(slot), do: Counters.errors({slot, nil})

  test "errors are few, short, and one reason is told once" do
    stream = {"errors_#{System.unique_integer()}", nil}

    tell = fn message ->
      details = %{class: :network, message: message, hint: ""}
      Counters.count(stream, [:status], %{}, %{status: :reconnecting, details: details})
    end

    for _ <- 1..3, do: tell.("no route")
    assert [%{times: 3, message: "no route", hint: nil}] = Counters.errors(stream)
    # A handler that fails is told of twice each time: as a failure, and as a state.
    for _ <- 1..3, message <- ["failed", "no route"], do: tell.(message)

    assert [%{times: 6, message: "no route"}, %{times: 3, message: "failed"}] =
             Counters.errors(stream)

    for i <- 1..50, do: tell.(String.duplicate("x", 10_000) <> "#{i}")
    assert :erlang.external_size(Counters.errors(stream)) < 20_000
    for i <- 1..50, do: tell.("#{i}")
    assert [%{message: "50"} | _] = errors = Counters.errors(stream)
    assert length(errors) == 10
    assert Counters.read(stream, "pg_etf_errors_total") == [{:network, 109}]
    Counters.forget(stream)
    assert Counters.errors(stream) == []
    assert Counters.read(stream, "pg_etf_errors_total") == []
  end

  test "backfills, by status, and what they read" do
    report = report_of_nothing()
    backfills = for status <- [:running, :running, :failed], do: %{status: status}

    for rows <- [10, 5],
        do: Counters.count({report.slot, nil}, [:backfill, :chunk], %{rows: rows}, %{})

    text = IO.iodata_to_binary(PgEtf.Metrics.Text.render([%{report | backfills: backfills}]))
    labels = ~s(slot="#{report.slot}",name="")
    assert text =~ ~s(pg_etf_backfills{#{labels},status="running"} 2\n)
    assert text =~ ~s(pg_etf_backfills{#{labels},status="failed"} 1\n)
    assert text =~ ~s(pg_etf_backfills{#{labels},status="paused"} 0\n)
    assert text =~ ~s(pg_etf_backfill_rows_total{#{labels}} 15\n)
  end

  test "labels are escaped" do
    slot = ~s(a\\b"c\nd\xFF)
    report = Map.merge(report_of_nothing(), %{slot: slot, name: ~s({"x"})})
    text = IO.iodata_to_binary(PgEtf.Metrics.Text.render([report]))
    assert text =~ ~S(pg_etf_up{slot="a\\b\"c\nd�",name="{\"x\"}"} 1)
    assert String.valid?(text)
  end

  defp report_of_nothing do
    slot = FakeSlot.start([])
    produce(slot)
    assert eventually(fn -> report(slot)[:state] == :streaming end)
    report(slot)
  end

  test "the format: each metric once, with its help and type before it" do
    report_of_nothing()
    lines = text() |> String.split("\n", trim: true)

    for [help, type | _] <- Enum.chunk_by(lines, &name/1) |> Enum.map(&Enum.take(&1, 3)) do
      assert help =~ ~r/^# HELP pg_etf_\w+ \S/
      assert type =~ ~r/^# TYPE pg_etf_\w+ (counter|gauge|histogram)$/
    end

    names = Enum.map(Enum.chunk_by(lines, &name/1), &name(hd(&1)))
    assert names == Enum.uniq(names)
    assert names -- Enum.map(Table.all(), & &1.name) == []
  end

  defp name("# " <> rest), do: rest |> String.split(" ") |> Enum.at(1)

  defp name(line) do
    line |> String.split("{") |> hd() |> String.replace(~r/(_seconds)_(bucket|sum|count)$/, "\\1")
  end

  if System.get_env("PROMTOOL") do
    test "promtool has nothing to say" do
      report_of_nothing()
      file = Path.join(System.tmp_dir!(), "pg_etf_metrics_#{System.unique_integer([:positive])}")
      on_exit(fn -> File.rm(file) end)
      File.write!(file, text())
      command = "$PROMTOOL check metrics < #{file}"
      assert System.cmd("sh", ["-c", command], stderr_to_stdout: true) == {"", 0}
    end
  end

  test "names follow the conventions of Prometheus" do
    for row <- Table.all() do
      assert row.name =~ ~r/^pg_etf_[a-z_]+$/
      assert String.ends_with?(row.name, "_total") == (row.type == :counter)
      assert row.scale == 1 or row.name =~ ~r/_seconds$/
    end
  end

  test "each event and measurement of the table is one of PgEtf.Telemetry" do
    {:docs_v1, _, _, _, %{"en" => doc}, _, _} = Code.fetch_docs(PgEtf.Telemetry)

    for %Table{event: event} = row when event != nil <- Table.all() do
      name = [:pg_etf | event] |> Enum.map_join(", ", &inspect/1)
      assert [_, told] = Regex.run(~r/^\| `\[#{name}\]` (.*)$/m, doc)
      if row.value not in [nil, :now], do: assert(told =~ "`#{row.value}`")
    end
  end

  test "history: rates between two looks, of a bounded number" do
    stream = {"history_#{System.unique_integer()}", nil}
    report = %{slot: elem(stream, 0), name: nil, state: :streaming, lag: 5, oldest: 0}

    for i <- 1..200 do
      Counters.count(stream, [:events], %{count: 4}, %{op: :insert})
      Counters.count(stream, [:events], %{count: 6}, %{op: :delete})
      Counters.count(stream, [:decode, :stop], %{bytes: 100}, %{})
      History.look([report], i * 2_000)
    end

    assert [new, old | _] = points = History.read(stream)
    assert length(points) == 150
    assert History.rate(new, old, :events) == 5.0
    assert History.rate(new, old, :bytes) == 50.0
    assert new.delay == 5
    # Nothing came, but one is not done; and then nothing can come.
    History.look([%{report | oldest: 700}], 402_000)
    History.look([%{report | state: :reconnecting}], 404_000)
    assert [%{delay: nil}, %{delay: 700} | _] = History.read(stream)
    # The C program of another time begins again.
    assert History.rate(old, new, :events) == 0.0
  end

  @page Path.expand("../../../docs/metrics.md", __DIR__)

  if File.exists?(@page) do
    test "docs/metrics.md has the same table" do
      assert File.read!(@page) =~ Table.markdown()
    end
  end

  if Code.ensure_loaded?(Telemetry.Metrics) do
    test "definitions of Telemetry.Metrics measure the same" do
      definitions = Metrics.definitions()
      names = for %{name: [name]} <- definitions, do: Atom.to_string(name)

      assert names ==
               for(%Table{event: event, name: name} when event != nil <- Table.all(), do: name)

      stats = %{safe_wal_size: 1, retained_bytes: 5, oldest: 1500}
      metadata = %{slot: "s", name: PgEtf, wal_status: "reserved"}
      assert measured("pg_etf_oldest_unacknowledged_seconds", stats, metadata) == 1.5
      assert measured("pg_etf_safe_wal_bytes", stats, metadata) == 0
      assert measured("pg_etf_safe_wal_bytes", %{stats | safe_wal_size: 0}, metadata) == nil
      assert measured("pg_etf_retained_wal_bytes", stats, %{metadata | wal_status: ""}) == nil

      errors = Enum.find(definitions, &(&1.name == [:pg_etf_errors_total]))
      failed = %{slot: "s", name: PgEtf, status: :halted, details: %{class: :auth}}
      assert errors.keep.(failed)
      refute errors.keep.(%{failed | details: %{}})
      assert %{class: :auth, name: "PgEtf"} = errors.tag_values.(failed)
    end

    defp measured(name, measurements, metadata) do
      definition = Enum.find(Metrics.definitions(), &(&1.name == [String.to_atom(name)]))
      definition.measurement.(measurements, metadata)
    end
  else
    test "definitions need Telemetry.Metrics, and say so" do
      assert_raise RuntimeError, ~r/needs the library telemetry_metrics/, &Metrics.definitions/0
    end
  end
end
