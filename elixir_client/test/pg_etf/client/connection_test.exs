defmodule PgEtf.ConnectionTest do
  use ExUnit.Case, async: true

  alias PgEtf.Client.Connection

  @secret "open-sesame"

  defp settings(connection), do: connection |> Connection.conceal() |> Connection.settings!()
  defp keywords(connection), do: settings(connection).connection

  test "the configuration of an Ecto repository" do
    config = [
      telemetry_prefix: [:shop, :repo],
      otp_app: :shop,
      timeout: 15_000,
      migration_primary_key: [type: :uuid],
      adapter: Ecto.Adapters.Postgres,
      username: "app",
      password: @secret,
      hostname: "db",
      port: 5433,
      database: "shop",
      pool_size: 10,
      queue_target: 50,
      log: false,
      parameters: [application_name: "shop", work_mem: "1 MB"],
      socket_options: [:inet6],
      stacktrace: true,
      show_sensitive_data_on_connection_error: true,
      ssl: false,
      ssl_opts: nil
    ]

    expected = %{
      "user" => "app",
      "password" => @secret,
      "host" => "db",
      "port" => "5433",
      "dbname" => "shop",
      "application_name" => "shop",
      "options" => "-c work_mem=1\\ MB",
      "sslmode" => "disable"
    }

    assert keywords(config) == expected
    assert keywords(Map.new(config)) == expected
  end

  test "URLs" do
    for {text, conninfo} <- [
          {"ecto://u:p%40@h:5433/shop", "postgresql://u:p%40@h:5433/shop"},
          {"postgres://h/shop?pool_size=10&ssl=true&application_name=x",
           "postgresql://h/shop?sslmode=require&application_name=x"},
          {"ecto://h/shop?ssl=false", "postgresql://h/shop?sslmode=disable"},
          {"ecto://h/shop?pool_size=2", "postgresql://h/shop"},
          {"postgresql://a:1,b:2/shop", "postgresql://a:1,b:2/shop"},
          {"host=db dbname=shop", "host=db dbname=shop"},
          {"shop", "shop"}
        ] do
      assert settings(text) == %{conninfo: conninfo}
      assert settings(String.to_charlist(text)) == %{conninfo: conninfo}
      assert settings(fn -> text end) == %{conninfo: conninfo}
      assert %{conninfo: ^conninfo} = settings(url: text)
    end

    # As in Ecto the URL wins, over what it says.
    beside = [hostname: "localhost", database: "dev", username: "me", ssl: true, pool_size: 1]

    assert settings([url: "ecto://db/shop"] ++ beside) ==
             %{
               conninfo: "postgresql://db/shop",
               connection: %{"user" => "me", "sslmode" => "require"}
             }

    assert settings([url: nil] ++ beside).connection["host"] == "localhost"
  end

  test "sockets, several hosts, and what libpq knows besides" do
    assert keywords(socket_dir: "/tmp", port: 5433) == %{"host" => "/tmp", "port" => "5433"}
    assert keywords(socket_dir: "/tmp", hostname: "db") == %{"host" => "/tmp"}

    assert keywords(socket: "/run/pg/.s.PGSQL.5433") ==
             %{"host" => "/run/pg", "port" => "5433"}

    assert keywords(endpoints: [{"a", 1}, {"b", 2}]) == %{"host" => "a,b", "port" => "1,2"}

    assert keywords(host: "a", target_session_attrs: :"read-write", connect_timeout: 3) ==
             %{"host" => "a", "target_session_attrs" => "read-write", "connect_timeout" => "3"}

    assert keywords(%{"host" => "a", "of_a_newer_libpq" => 1}) ==
             %{"host" => "a", "of_a_newer_libpq" => "1"}
  end

  test "from Erlang" do
    assert keywords([{:hostname, ~c"db"}, {:database, :shop}, {:username, "app"}]) ==
             %{"host" => "db", "dbname" => "shop", "user" => "app"}

    assert keywords(%{hostname: ~c"db"}) == %{"host" => "db"}
  end

  test "TLS as Postgrex has it" do
    files = [cacertfile: "/ca.pem", certfile: ~c"/c.pem", keyfile: "/k.pem", password: @secret]

    with_files = %{
      "sslrootcert" => "/ca.pem",
      "sslcert" => "/c.pem",
      "sslkey" => "/k.pem",
      "sslpassword" => @secret
    }

    for {ssl, expected} <- [
          {[ssl: true], %{"sslmode" => "require"}},
          {[ssl: true, sslmode: "verify-full"], %{"sslmode" => "verify-full"}},
          {[ssl: files], Map.put(with_files, "sslmode", "verify-full")},
          {[ssl: true, ssl_opts: files], Map.put(with_files, "sslmode", "verify-full")},
          {[ssl: false, ssl_opts: files], %{"sslmode" => "disable"}},
          {[ssl: [verify: :verify_peer, depth: 3, customize_hostname_check: []]],
           %{"sslmode" => "verify-full"}},
          {[ssl: [verify: :verify_none]], %{"sslmode" => "require"}},
          # libpq would hold the certificate against the file.
          {[ssl: [verify: :verify_none, cacertfile: "/ca.pem"]], %{"sslmode" => "require"}},
          {[ssl: [versions: [:"tlsv1.3", :"tlsv1.2"]]],
           %{
             "sslmode" => "verify-full",
             "ssl_min_protocol_version" => "TLSv1.2",
             "ssl_max_protocol_version" => "TLSv1.3"
           }},
          {[ssl: [server_name_indication: :disable]],
           %{"sslmode" => "verify-ca", "sslsni" => "0"}},
          {[hostname: "db", ssl: [server_name_indication: ~c"db"]],
           %{"host" => "db", "sslmode" => "verify-full"}},
          {[hostname: "10.0.0.1", ssl: [server_name_indication: ~c"db"]],
           %{"host" => "db", "hostaddr" => "10.0.0.1", "sslmode" => "verify-full"}}
        ] do
      assert keywords(ssl) == expected
    end
  end

  test "what is wrong is named, and no value" do
    for {connection, named} <- [
          {[passwrod: @secret], "unknown key :passwrod"},
          {[password: {@secret}], "key :password: expected text"},
          {[password: [@secret, {}]], "key :password"},
          {[ssl: [cacerts: [@secret]]], "use :cacertfile"},
          {[ssl: [verify: @secret]], ":verify"},
          {[ssl: [verify_fun: @secret]], "does not support :verify_fun"},
          {[ssl: [versions: [@secret]]], ":versions"},
          {[ssl: @secret], "key :ssl"},
          {[ssl: [@secret]], "key :ssl"},
          {[hostname: "a", ssl: [server_name_indication: ~c"b"]], ":server_name_indication"},
          {[parameters: @secret], "key :parameters"},
          {[endpoints: @secret], "key :endpoints"},
          {[socket: "/tmp/#{@secret}"], "key :socket"},
          {[{@secret}], "expected a keyword list"},
          {{:password, @secret}, "expected a keyword list"},
          {nil, "expected a keyword list"}
        ] do
      for check <- [&Connection.check!/1, &settings/1] do
        error = assert_raise ArgumentError, fn -> check.(connection) end
        assert error.message =~ "option :connection"
        assert error.message =~ named
        refute error.message =~ @secret
      end
    end
  end

  defmodule Repo do
    def config, do: [hostname: "db", pool_size: 3, database: "shop", password: "open-sesame"]
  end

  test "a Repo is one, and is asked again" do
    assert keywords(Repo) == %{"host" => "db", "dbname" => "shop", "password" => @secret}
    assert Repo |> Connection.conceal() |> Connection.asked?()
    assert Connection.check!(Repo) == :ok
    assert_raise ArgumentError, ~r/Enum is no Repo/, fn -> Connection.check!(Enum) end
  end

  test "only a function is asked again" do
    assert Connection.asked?(fn -> [] end)
    refute Connection.asked?([])
    refute [] |> Connection.conceal() |> Connection.asked?()
    assert Connection.check!(fn -> raise "not called" end) == :ok
    refute inspect(Connection.conceal(password: @secret)) =~ @secret
  end
end
