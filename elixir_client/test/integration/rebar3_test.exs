defmodule PgEtf.Integration.Rebar3Test do
  # The example of an Erlang application, compiled by rebar3, without a line of Elixir.
  use PgEtf.Integration, async: true

  @rebar3 System.find_executable("rebar3")
  unless @rebar3, do: IO.puts("Without rebar3: the Erlang application is not tested")

  @moduletag :tmp_dir

  if @rebar3 do
    test "an application prints what changes", %{sandbox: sandbox, tmp_dir: dir} do
      app = Path.join(dir, "audit")
      File.cp_r!("examples/rebar3", app)
      env = [{"PG_ETF_BUILT", "1"}, {"ERL_LIBS", libs()}, {"HOME", dir}, {"REBAR_CACHE_DIR", dir}]
      assert {_, 0} = System.cmd(@rebar3, ["compile"], cd: app, env: env, stderr_to_stdout: true)

      {table, slot} = prepare(sandbox, "id int PRIMARY KEY, v text")
      port = run(app, env, sandbox, slot)
      Sandbox.psql!(sandbox, "INSERT INTO #{table} VALUES (1, 'a'), (2, 'b')")
      written = current(sandbox)
      assert output(port, ~s(#{table} \#{<<"id">> => 2,<<"v">> => <<"b">>})) =~ "insert"
      eventually(fn -> confirmed(sandbox, slot) >= written end)
      Port.close(port)
    end

    defp libs do
      built = Mix.Project.build_path() |> Path.join("lib")
      elixir = :code.lib_dir(:elixir) |> Path.dirname()
      "#{built}:#{elixir}"
    end

    # It ends with its standard input, as the test does.
    defp run(app, env, sandbox, slot) do
      stream = :io_lib.format("~0p", [erlang(sandbox, slot)])

      eval =
        "application:load(audit), application:set_env(audit, stream, #{stream}), " <>
          "{ok, _} = application:ensure_all_started(audit), io:get_line(\"\"), halt()."

      args = ["-noshell", "-pa", Path.join(app, "_build/default/lib/audit/ebin"), "-eval", eval]
      env = for {name, value} <- env, do: {to_charlist(name), to_charlist(value)}
      Port.open({:spawn_executable, erl()}, [:binary, :stderr_to_stdout, args: args, env: env])
    end

    defp erl, do: System.find_executable("erl")

    # As Erlang has them: text is characters.
    defp erlang(sandbox, slot) do
      connection =
        for {key, value} <- Sandbox.connection(sandbox) do
          {key, if(is_binary(value), do: to_charlist(value), else: value)}
        end

      [connection: connection, slot: to_charlist(slot)]
    end

    defp output(port, text, read \\ "") do
      if read =~ text do
        read
      else
        assert_receive {^port, {:data, more}}, 60_000
        output(port, text, read <> more)
      end
    end
  end
end
