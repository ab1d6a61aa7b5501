defmodule PgEtf.WebTest do
  # What a browser, Prometheus and a probe get.
  use PgEtf.StreamCase, async: true

  alias PgEtf.{FakeSlot, HTTP, Stage, Web}
  alias PgEtf.Metrics.Report
  alias PgEtf.Web.{Health, JSON, Status}

  setup context do
    name = Module.concat(__MODULE__, "Web#{System.unique_integer([:positive])}")
    start_supervised!({Web, [port: 0, name: name] ++ Map.get(context, :web, [])})
    %{web: name, port: HTTP.port(name)}
  end

  defp report(slot), do: Enum.find(Report.all(), &(&1.slot == slot))

  test "the page, whole in itself", %{port: port} do
    {200, headers, html} = HTTP.get(port, "/")
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert html =~ ~r/\A<!doctype html>.*<\/html>\s*\z/s
    refute html =~ ~r/(src|href)="(https?:)?\/\//
    # What may run is named by a word that is never the same.
    assert [_, nonce] =
             Regex.run(~r/script-src 'nonce-(\w+)'/, headers["content-security-policy"])

    assert html =~ ~s(<script nonce="#{nonce}">)
    assert html =~ ~s(<style nonce="#{nonce}">)
    refute html =~ "{{"
    {200, _, other} = HTTP.get(port, "/")
    refute other =~ nonce
  end

  test "metrics are those of PgEtf.Metrics", %{port: port} do
    slot = FakeSlot.start([1])
    Stage.take(produce(slot), 1)
    {200, headers, text} = HTTP.get(port, "/metrics")
    assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert text =~ ~s(\npg_etf_events_total{slot="#{slot}",name="",op="insert"} 1\n)
  end

  test "HEAD is GET without its body; query and fragment do not matter", %{port: port} do
    {200, with_body, body} = HTTP.get(port, "/")
    {200, without, ""} = HTTP.get(port, "/?x=%zz#y", method: "HEAD")
    assert without["content-length"] == with_body["content-length"]
    assert with_body["content-length"] == Integer.to_string(byte_size(body))
  end

  test "what is not there, and what is not done", %{port: port} do
    for path <- ["/nothing", "//", "/%2e%2e/etc/passwd", "/../page.html", "/status.json/"] do
      assert {404, _, "404\n"} = HTTP.get(port, path)
    end

    for method <- ~w(POST PUT DELETE OPTIONS TRACE PATCH BREW) do
      assert {405, %{"allow" => "GET, HEAD"}, _} = HTTP.get(port, "/", method: method)
    end
  end

  test "on loopback it is asked for by no name of another's", %{port: port} do
    for host <- [
          "evil.example",
          "evil.example:4010",
          "localhost.evil.example",
          "127.0.0.1.evil.io"
        ] do
      assert {421, _, _} = HTTP.get(port, "/status.json", host: host)
    end

    for host <- ["localhost", "LOCALHOST:1", "127.0.0.1:4010", "127.1.2.3", "[::1]:4010"] do
      assert {200, _, _} = HTTP.get(port, "/status.json", host: host)
    end

    assert {200, _, _} =
             port |> HTTP.send_raw("GET /status.json HTTP/1.0\r\n\r\n") |> HTTP.answer()
  end

  @tag web: [ip: {0, 0, 0, 0}]
  test "elsewhere the name does not matter", %{port: port, web: web} do
    assert Web.url(web) == "http://0.0.0.0:#{port}/"
    assert {200, _, _} = HTTP.get(port, "/status.json", host: "shop.example")
  end

  ## Status

  defp status(slot, most \\ 300_000) do
    Enum.find(Status.read(most).streams, &(&1.slot == slot))
  end

  test "the status of a stream", %{port: port} do
    slot = FakeSlot.start([1, 1])
    name = :"status_#{slot}"
    stage = produce(slot, name: name, stats_interval: 20)
    [first, _second] = Stage.take(stage, 2)
    FakeSlot.report(slot, %{lag_bytes: 70, retained_bytes: 90, safe_wal_size: 1000})
    PgEtf.ack([first])
    assert eventually(fn -> match?(%{wal: %{retained: 90}, flushed: "0/" <> _}, status(slot)) end)

    assert %{
             state: :streaming,
             health: :ok,
             in_flight: 1,
             events: 2,
             lag_bytes: 70,
             wal: %{retained: 90, safe: 1000, status: "reserved"},
             errors: [],
             backfills: []
           } = status(slot)

    {200, headers, json} = HTTP.get(port, "/status.json")
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert json =~ ~s("name":"#{inspect(name)}")
    assert json =~ ~s("wal":{"retained":90,"safe":1000,"status":"reserved"})
  end

  test "backfills are told as PgEtf.info/1 has them" do
    about = %{
      id: "snapshot",
      mode: :exact,
      status: :running,
      tables: 3,
      tables_done: 1,
      table: "public.orders",
      rows: 5,
      bytes: 700,
      estimate: 10,
      rate: 2,
      eta: 3,
      error: nil
    }

    error = %PgEtf.Error{class: :auth, message: "permission denied", details: %{pid: self()}}
    report = Map.put(any_report(), :backfills, [about, %{about | error: error}])
    assert [^about, failed] = Status.backfills(report)
    assert failed.error == "auth: permission denied"
    assert IO.iodata_to_binary(JSON.encode(failed)) =~ ~s("table":"public.orders")
  end

  defp any_report do
    slot = FakeSlot.start([])
    produce(slot)
    assert eventually(fn -> report(slot)[:state] == :streaming end)
    report(slot)
  end

  ## Health

  test "health: the worst of the streams, with the reason of each" do
    well = any_report()
    waiting = %{well | state: :standby}
    halted = %{well | state: :halted}
    assert {202, "waiting: no stream" <> _} = Health.check([], 100)
    assert {200, _} = Health.check([well, well], 100)
    assert {202, _} = Health.check([well, waiting], 100)
    assert {503, text} = Health.check([waiting, halted, well], 100)

    assert IO.iodata_to_binary(text) ==
             "waiting: #{well.slot}: standby\nfailing: " <>
               "#{well.slot}: halted\nok: #{well.slot}: streaming\n"

    for {change, verdict} <- [
          {%{state: :stalled}, :ok},
          {%{state: :connecting}, :waiting},
          {%{state: :reconnecting}, :waiting},
          {%{state: :parked}, :waiting},
          {%{state: :open_circuit}, :failing},
          {%{state: :stopped}, :failing},
          {%{wal_status: "lost"}, :failing},
          {%{oldest: 100}, :ok},
          {%{oldest: 101}, :failing}
        ] do
      assert {change, Health.of(Map.merge(well, change), 100)} |> elem(1) |> elem(0) == verdict
    end
  end

  @tag web: [max_unacknowledged: 1]
  test "a probe gets it as a status", %{port: port} do
    slot = FakeSlot.start([1])
    stage = produce(slot, stall_after: 40)
    Stage.take(stage, 1)

    assert eventually(fn ->
             {status, _, text} = HTTP.get(port, "/health")
             status == 503 and text =~ "failing: #{slot}: a message has been unacknowledged for"
           end)
  end

  ## JSON

  test "JSON of everything that there may be" do
    encode = &(&1 |> JSON.encode() |> IO.iodata_to_binary())
    assert encode.(%{a: nil, b: [true, 1, 1.5, :ok]}) == ~s({"a":null,"b":[true,1,1.5,"ok"]})
    assert encode.(~s(a"\\\n\t\0é€😀)) == ~S("a\"\\\u000a\u0009\u0000é€😀")
    assert encode.("</script>\u2028") == ~S("\u003c/script\u003e\u2028")
    assert encode.(<<"a", 0xFF, "é"::binary, 0xC3>>) == ~s("a\uFFFDé\uFFFD")
  end

  ## As a child

  test "options are checked" do
    for opts <- [[port: 70_000], [ip: "0.0.0.0"], [max_connections: 0], [name: nil]] do
      assert_raise ArgumentError, fn -> Web.start_link(opts) end
    end

    assert_raise ArgumentError, fn -> Web.start_link(prot: 1) end
  end

  test "a port that is taken is told of, and taken when it is free", %{port: port} do
    PgEtf.LogTo.start()
    name = Module.concat(__MODULE__, "Taken#{port}")
    start_supervised!(Supervisor.child_spec({Web, port: port, name: name}, id: :taken))
    PgEtf.LogTo.wait_for(~r/PgEtf.Web cannot listen on port #{port}: address already in use/)
    assert Web.url(name) == nil
    stop_supervised!(Web)
    assert eventually(fn -> Web.url(name) == "http://localhost:#{port}/" end)
    assert {200, _, _} = HTTP.get(port, "/status.json")
  end
end
