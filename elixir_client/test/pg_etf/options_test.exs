defmodule PgEtf.OptionsTest do
  use ExUnit.Case, async: true

  alias PgEtf.Options

  @minimal [connection: [], slot: "s"]

  defp settings(opts), do: (@minimal ++ opts) |> Options.validate!() |> Options.start_settings()
  defp plugin(opts), do: settings(opts).options

  test "defaults are filled in" do
    opts = Options.validate!(@minimal)
    assert opts[:on_failure] == :retry
    assert opts[:unit] == :change
    assert opts[:create_slot] == false
  end

  test "what is wrong is named, with what would be right" do
    for {opts, message} <- [
          {[slot: "s"], "required option :connection is missing"},
          {[connection: []], "required option :slot is missing"},
          {@minimal ++ [slots: 1], "unknown option :slots"},
          {[connection: [], slot: ""], "expected a non-empty string"},
          {@minimal ++ [unit: :row], "expected one of :change, :transaction, got: :row"},
          {@minimal ++ [tables: "t"], "expected a list, each element a non-empty string"},
          {@minimal ++ [backoff_min: 2, backoff_max: 1], ":backoff_min is above :backoff_max"},
          {@minimal ++ [prefetch: 0], "expected a positive integer"},
          {@minimal ++ [takeover_timeout: 999], ":takeover_timeout is below one second"},
          {@minimal ++ [tables: ["a.b", "orders"]], "did you mean \"public.orders\"?"},
          {@minimal ++ [exclude_tables: ["or\\.ders"]], "has no schema"},
          {@minimal ++ [start_position: -1], "a position"},
          {@minimal ++ [actions: [:upsert]], "one of :insert, :update, :delete, :truncate"},
          {@minimal ++ [keys: {:atoms, ["id"]}], "{:atoms, a list, each element an atom}"},
          {:none, "expected a keyword list"}
        ] do
      assert_raise ArgumentError, ~r/#{Regex.escape(message)}/, fn -> Options.validate!(opts) end
    end
  end

  test "text may be a charlist or an atom, as it is in Erlang" do
    opts = Options.validate!(connection: [], slot: ~c"orders", tables: [~c"public.*", :"a.b"])
    assert {opts[:slot], opts[:tables]} == {"orders", ["public.*", "a.b"]}
    assert Options.validate!(connection: [], slot: :orders)[:slot] == "orders"

    for slot <- [nil, true, ~c"", [1]] do
      assert_raise ArgumentError, fn -> Options.validate!(connection: [], slot: slot) end
    end
  end

  test "a connection is checked where the stream is started, a function where it is called" do
    wrong = [hostname: "db", hostnam: "db"]
    assert_raise ArgumentError, fn -> Options.validate!(connection: wrong, slot: "s") end

    assert_raise ArgumentError, fn ->
      [connection: wrong, slot: "s"] |> Options.conceal() |> Options.validate!()
    end

    opts = Options.validate!(connection: fn -> wrong end, slot: "s")
    assert_raise ArgumentError, fn -> Options.start_settings(opts) end
  end

  test "the documentation names every public option" do
    docs = Options.docs()

    for key <- [:connection, :slot, :on_failure, :window_bytes],
        do: assert(docs =~ "`#{inspect(key)}`")

    refute docs =~ "broadway"
  end

  describe "the start command" do
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

      assert Options.start_settings(Options.validate!(slot: "s", connection: connection)).connection ==
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
      assert %{conninfo: ^uri} = Options.start_settings(opts)
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
               "json" => "text"
             } =
               plugin(
                 tables: ["public.*", "shop.a,b"],
                 actions: [:insert, :delete],
                 messages: ["audit"],
                 origin: :none,
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

      assert %{failover: true} = settings(failover: true)
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
end
