if System.find_executable("chromium") do
  defmodule PgEtf.WebPageTest do
    # The page as a browser shows it: "make check-page" installs one.
    use PgEtf.StreamCase, async: true

    alias PgEtf.{FakeSlot, HTTP, Stage, Web}
    alias PgEtf.Metrics.Counters
    alias PgEtf.Web.Status

    @moduletag timeout: 180_000

    setup do
      name = Module.concat(__MODULE__, "Web#{System.unique_integer([:positive])}")
      start_supervised!({Web, port: 0, name: name})
      dir = Path.join(System.tmp_dir!(), "pg_etf_page_#{System.unique_integer([:positive])}")
      on_exit(fn -> File.rm_rf!(dir) end)
      %{port: HTTP.port(name), dir: dir}
    end

    # The document after some seconds of the page's own time, and what its console says.
    defp browse(%{port: port, dir: dir}, opts \\ []) do
      args = ~w(--headless=new --no-sandbox --disable-gpu --enable-logging=stderr
           --virtual-time-budget=3000 --dump-dom --user-data-dir=#{dir})

      command = Enum.map_join(["chromium" | args ++ opts], " ", &"'#{&1}'")
      log = dir <> ".log"
      on_exit(fn -> File.rm(log) end)
      url = "http://localhost:#{port}/"
      {html, 0} = System.cmd("sh", ["-c", "timeout 120 #{command} #{url} 2> '#{log}'"])
      {html, log |> File.read!() |> String.split("\n") |> Enum.filter(&(&1 =~ "CONSOLE"))}
    end

    # What a card of a slot shows: key => {raw value, text}.
    defp card(html, slot) do
      [_, card] =
        Regex.run(~r/<section class="card" data-slot="#{slot}".*?>(.*?)<\/section>/s, html)

      for [_, tag, text] <-
            Regex.scan(~r/<\w+ ([^>]*data-key=[^>]*)>(.*?)<\/(?:dd|span)>/s, card),
          into: %{} do
        [_, key] = Regex.run(~r/data-key="(\w+)"/, tag)
        [_, raw] = Regex.run(~r/data-raw="([^"]*)"/, tag)
        {key, {raw, String.replace(text, ~r/<[^>]*>/, "")}}
      end
    end

    # A stream at which nothing changes any more.
    defp still_stream(more) do
      slot = FakeSlot.start([3])
      stage = produce(slot, stats_interval: 20)
      FakeSlot.report(slot, more)
      Stage.take(stage, 2)
      assert eventually(fn -> status(slot)[:lag_bytes] == more.lag_bytes end)
      slot
    end

    defp status(slot), do: Enum.find(Status.read(300_000).streams, &(&1.slot == slot))

    test "values are those of status.json, and nothing is refused or fails", context do
      limited =
        still_stream(%{lag_bytes: 1_234, retained_bytes: 8_000_000, safe_wal_size: 42_000_000})

      free = still_stream(%{lag_bytes: 0, retained_bytes: 500, state: :stalled})
      {html, console} = browse(context)
      assert console == []

      for slot <- [limited, free] do
        status = status(slot)

        shown = %{
          "state" => status.state,
          "lag" => status.lag,
          "rate" => status.rate,
          "in_flight" => status.in_flight,
          "lag_bytes" => status.lag_bytes,
          "retained" => status.wal.retained,
          "safe" => status.wal.safe
        }

        assert Map.keys(shown) == Map.keys(card(html, slot))

        for {key, value} <- shown, key != "rate" do
          assert {slot, key, card(html, slot)[key] |> elem(0)} == {slot, key, to_string(value)}
        end
      end

      words = fn slot -> Map.new(card(html, slot), fn {key, {_, text}} -> {key, text} end) end

      assert %{
               "state" => "Streaming",
               "in_flight" => "2",
               "lag_bytes" => "1.2kB",
               "retained" => "8.0 MB, reserved",
               "safe" => "42 MB left until the slot is lost"
             } = words.(limited)

      assert %{"state" => "Stalled", "lag_bytes" => "0B", "safe" => "no limit" <> _} =
               words.(free)
    end

    test "what comes from elsewhere is text, never markup", context do
      slot = still_stream(%{lag_bytes: 7, retained_bytes: 0})

      evil =
        ~s(<img src=x onerror="document.title='taken'"><script>document.title='taken'</script>)

      details = %{class: :network, message: evil, hint: evil}
      Counters.count({slot, nil}, [:status], %{}, %{details: details})
      {html, console} = browse(context)
      assert console == []
      assert html =~ "&lt;img src=x onerror="
      refute html =~ "<img"
      refute html =~ "<title>taken"
    end

    test "without a stream, and on a phone in the dark", context do
      {html, console} =
        browse(context, ~w(--window-size=390,800 --blink-settings=preferredColorScheme=0))

      assert console == []
      assert html =~ ~r/<footer>.*PgEtf \d+\.\d+\.\d+/s
      assert html =~ ~s(id="health" class="pill )
    end
  end
end
