defmodule PgEtf.SettingsTest do
  # What the C program is told at its start.
  use ExUnit.Case, async: true

  alias PgEtf.Client.Settings
  alias PgEtf.Options

  @minimal [connection: [], slot: "s"]

  defp settings(opts), do: (@minimal ++ opts) |> Options.validate!() |> Settings.start()
  defp plugin(opts), do: settings(opts).options

  test "has libpq's keywords" do
    connection = [
      hostname: "db",
      port: 5433,
      username: "u",
      password: "p",
      database: "d",
      ssl: true,
      sslrootcert: "/ca.pem"
    ]

    assert settings([]) |> Map.take([:connection, :conninfo]) == %{connection: %{}}

    assert Settings.start(Options.validate!(slot: "s", connection: connection)).connection ==
             %{
               "host" => "db",
               "port" => "5433",
               "user" => "u",
               "password" => "p",
               "dbname" => "d",
               "sslmode" => "require",
               "sslrootcert" => "/ca.pem"
             }
  end

  test "takes a URI, or asks a function at each connect" do
    uri = "postgresql://db/shop"
    opts = Options.validate!(slot: "s", connection: fn -> uri end)
    assert %{conninfo: ^uri} = Settings.start(opts)
  end

  test "asks for compact tuples and passes the filters on" do
    assert %{"dialect" => "compact", "rows" => "tuple", "protocol_version" => "1"} = plugin([])
    refute Map.has_key?(plugin([]), "include_tables")

    assert %{
             "include_tables" => "public.*,shop.a\\,b",
             "actions" => "insert,delete",
             "messages" => "on",
             "message_prefixes" => "audit",
             "origin" => "none",
             "exclude_columns" => "*.*.a\\,b",
             "mask_columns" => "*.*.c:null,*.*.d:hash",
             "updates" => "changed",
             "skip_unchanged" => "true",
             "json" => "text"
           } =
             plugin(
               tables: ["public.*", "shop.a,b"],
               actions: [:insert, :delete],
               messages: ["audit"],
               origin: :none,
               exclude_columns: ["*.*.a,b"],
               mask_columns: ["*.*.c:null", "*.*.d:hash"],
               updates: :changed,
               skip_unchanged: true,
               plugin_options: %{"json" => "text"}
             )

    for messages <- [false, []] do
      refute Map.has_key?(plugin(messages: messages), "messages")
    end

    assert %{"messages" => "on"} = all = plugin(messages: true)
    refute Map.has_key?(all, "message_prefixes")
  end

  # No two alike, so that none can stand in the place of another.
  test "has each number in its place" do
    settings =
      settings(
        prefetch: 11,
        window_bytes: 1012,
        status_interval: 1013,
        liveness_timeout: 1014,
        max_stall: 1015,
        backoff_min: 16,
        backoff_max: 1017,
        shutdown_timeout: 1018,
        takeover_timeout: 1019
      )

    assert Map.take(settings, [
             :credit_events,
             :credit_bytes,
             :status_interval,
             :liveness_timeout,
             :max_stall,
             :reconnect_min,
             :reconnect_max,
             :stop_timeout,
             :takeover_timeout
           ]) == %{
             credit_events: 11,
             credit_bytes: 1012,
             status_interval: 1013,
             liveness_timeout: 1014,
             max_stall: 1015,
             reconnect_min: 16,
             reconnect_max: 1017,
             stop_timeout: 1018,
             takeover_timeout: 1019
           }

    for {create, told} <- [
          {false, :none},
          {true, :if_missing},
          {:once, :if_missing},
          {:temporary, :temporary}
        ] do
      assert %{create: ^told, failover: false} = settings(create_slot: create)
    end

    assert %{failover: true} = settings(failover: true, create_slot: true)

    assert %{plugin: :auto, format: :auto, create_publication: false} = settings([])

    assert %{plugin: :pgoutput, format: :text, create_publication: true, options: options} =
             settings(
               plugin: :pgoutput,
               format: :text,
               create_slot: true,
               create_publication: true,
               publications: ["orders", ~s(Odd "name", really)]
             )

    assert options["publication_names"] == ~s("orders","Odd ""name"", really")
    assert %{standby: true, takeover_timeout: 10_000} = settings([])
    assert %{standby: false} = settings(standby: false)
    assert %{standby: false} = settings(create_slot: :temporary)
  end

  test "has the stored position, and then asks for positions to be acknowledged" do
    assert %{ack_positions: false} = settings = settings([])
    refute Map.has_key?(settings, :startpos)
    assert %{ack_positions: true, startpos: 5} = settings(start_position: 5)
    assert %{ack_positions: true, startpos: 6} = settings(start_position: fn -> 6 end)
    assert %{ack_positions: true} = settings = settings(start_position: fn -> nil end)
    refute Map.has_key?(settings, :startpos)
  end
end
