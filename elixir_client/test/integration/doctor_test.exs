defmodule PgEtf.Integration.DoctorTest do
  # What a node finds out about its server and about itself.
  use PgEtf.Integration, async: true

  alias PgEtf.Doctor

  @moduletag :tmp_dir

  defp find(findings, name) do
    Enum.find(findings, fn {_level, text} -> String.starts_with?(text, name <> ": ") end)
  end

  test "a server that is ready", %{sandbox: sandbox} do
    findings = Doctor.check(connection: Sandbox.connection(sandbox))
    refute List.keymember?(findings, :error, 0)

    assert {:ok, "runtime: Elixir " <> _} = find(findings, "runtime")
    assert {:ok, client} = find(findings, "client")
    assert client =~ "version #{Application.spec(:pg_etf, :vsn)}"
    assert {:ok, "plugin: a slot of pg_etf_decoding can be created"} = find(findings, "plugin")
    assert {:ok, "slot: none is named" <> _} = find(findings, "slot")
    assert {:ok, "decimal: " <> _} = find(findings, "decimal")
  end

  test "options of the stream are taken into account", %{sandbox: sandbox} do
    {table, slot} = prepare(sandbox, "line text")
    opts = [connection: Sandbox.connection(sandbox), slot: slot, tables: ["public.#{table}"]]

    findings = Doctor.check(opts ++ [publications: [~s(no "such)]])
    assert {:error, text} = find(findings, "publications")
    assert text =~ ~s(missing: "no ""such")
    findings = Doctor.check(opts)
    assert {:ok, text} = find(findings, "slot")
    assert text =~ ~s("#{slot}", plugin pg_etf_decoding)
    assert {:warning, text} = find(findings, "tables")
    assert text =~ "1 of 1 have no replica identity: public.#{table}"

    assert {:ok, "options: accepted"} = find(findings, "options")
    findings = Doctor.check(opts ++ [plugin_options: %{"rowz" => "map"}, snapshot: :initial])
    assert {:error, ~s(options: unrecognized option "rowz") <> _} = find(findings, "options")
    assert {_level, "snapshot: " <> _} = find(findings, "snapshot")
  end

  test "each form of a connection", %{sandbox: sandbox} do
    connection = Sandbox.connection(sandbox)
    host = URI.encode_www_form(connection[:socket_dir])
    database = connection[:database]
    pairs = "host='#{connection[:socket_dir]}' user=#{connection[:username]}"

    for form <- [
          Keyword.put(connection, :application_name, ~S(it's an \ odd name)),
          pairs <> " dbname=#{database}",
          [url: "ecto://#{connection[:username]}@#{host}/#{database}", sslmode: "allow"],
          fn -> connection end
        ] do
      assert {:ok, text} = [connection: form] |> Doctor.check() |> find("server")
      assert text =~ "database #{database}, role"
    end

    assert [{:error, "server: " <> text}] =
             [connection: [socket_dir: "/nowhere"]]
             |> Doctor.check()
             |> Enum.filter(&match?({:error, _}, &1))

    assert text =~ "No such file or directory"
    assert_raise ArgumentError, fn -> Doctor.check(connection: [hostnam: "db"]) end
  end

  test "a program that does not fit, or does not run", %{sandbox: sandbox, tmp_dir: dir} do
    # Neither program reads what it is given, which is more than a pipe holds.
    password = String.duplicate("x", 200_000)
    opts = [connection: Sandbox.connection(sandbox) ++ [password: password]]

    for {script, level, says} <- [
          {"echo pg_etf_client 0.9", :warning, "is of version 0.9"},
          {"exec <&-; sleep 0.1; echo libpq.so.5: cannot open >&2; exit 127", :error, "libpq"}
        ] do
      path = Path.join(dir, "pg_etf_client")
      File.write!(path, "#!/bin/sh\n#{script}\n")
      File.chmod!(path, 0o755)
      assert {^level, text} = (opts ++ [client_path: path]) |> Doctor.check() |> find("client")
      assert text =~ says
    end

    assert {:error, "client: the program /nowhere does not exist" <> _} =
             (opts ++ [client_path: "/nowhere"]) |> Doctor.check() |> find("client")
  end

  test "a place for files that cannot be written" do
    opts = [connection: "x", streaming: true, spool_dir: "/nowhere", client_path: "/nowhere"]

    assert {:error, "spool: /nowhere cannot be written" <> _} =
             opts |> Doctor.check() |> find("spool")
  end

  # A virtual machine of its own: what is printed, and how it ends.
  test "mix pg_etf.doctor", %{sandbox: sandbox} do
    connection = Sandbox.connection(sandbox)

    args = [
      "pg_etf.doctor",
      "--url",
      "postgresql:///#{connection[:database]}?host=#{connection[:socket_dir]}&user=#{connection[:username]}"
    ]

    assert {output, 0} = mix(args)
    assert output =~ ~r/^ok +server: PostgreSQL .*database #{connection[:database]}/m
    assert {output, 1} = mix(args ++ ["--publications", "nosuch,other", "--plugin", "pgoutput"])
    assert output =~ ~r/^error +publications: missing: nosuch, other\./m
    assert {output, _} = mix(args ++ ["--snapshot"])
    assert output =~ ~r/^(ok|error) +snapshot: /m
    assert {output, 1} = mix(args ++ ["--tables", "orders"])
    assert output =~ "did you mean \"public.orders\"?"
    assert {output, 1} = mix(["pg_etf.doctor", "--repo", "PgEtf.Repo.Nosuch"])
    assert output =~ "PgEtf.Repo.Nosuch"
  end

  defp mix(args), do: System.cmd("mix", args, env: [{"MIX_ENV", "dev"}], stderr_to_stdout: true)
end
