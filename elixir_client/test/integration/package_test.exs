defmodule PgEtf.Integration.PackageTest do
  # The library as a dependency that was fetched as a package, in a project of its
  # own, and in a release of that project; and its Mix compiler, where something
  # that it needs is not there.
  use ExUnit.Case, async: true

  import PgEtf.Integration

  alias PgEtf.{MixProject, Sandbox}

  @moduletag :integration
  @moduletag :tmp_dir
  @moduletag timeout: 600_000

  @mix_exs """
  defmodule Shop.MixProject do
    use Mix.Project

    def project do
      [app: :shop, version: "0.1.0", deps: [{:pg_etf, path: "../package"}]]
    end

    def application, do: [extra_applications: [:logger]]
  end
  """

  # Reads one logical message, and tells with which program.
  @shop """
  defmodule Shop do
    @behaviour PgEtf.Consumer

    def read(connection) do
      {:ok, program} = PgEtf.Client.Port.find()
      opts = [connection: connection, slot: "shop", messages: true]
      {:ok, consumer} = PgEtf.Consumer.start_link(__MODULE__, self(), opts)

      receive do
        {:content, content} -> IO.puts("read " <> content <> " with " <> program)
      end

      GenServer.stop(consumer)
    end

    @impl true
    def handle_changes(changes, test) do
      for change <- changes, do: send(test, {:content, change.content})
      {:ok, test}
    end
  end
  """

  defp package(dir) do
    package = Path.join(dir, "package")
    File.mkdir_p!(package)

    for path <- MixProject.project()[:package][:files], File.exists?(path) do
      File.cp_r!(path, Path.join(package, path))
    end

    MixProject.copy_sources(package)
    package
  end

  defp project(dir) do
    project = Path.join(dir, "shop")
    File.mkdir_p!(Path.join(project, "lib"))
    File.write!(Path.join(project, "mix.exs"), @mix_exs)
    File.write!(Path.join(project, "lib/shop.ex"), @shop)
    project
  end

  defp run(command, args, dir, env \\ []) do
    mine = for name <- ["CLIENT", "PRECOMPILED", "CHECKSUMS"], do: {"PG_ETF_#{name}", nil}
    env = [{"MIX_ENV", "prod"} | mine] ++ env
    System.cmd(command, args, cd: dir, env: env, stderr_to_stdout: true)
  end

  defp run!(command, args, dir) do
    {output, status} = run(command, args, dir)
    assert status == 0, output
    output
  end

  test "as a dependency of a new project, and in its release", %{tmp_dir: dir} do
    sandbox = start_supervised!(Sandbox)
    create_slot(sandbox, "shop")
    read = "Shop.read(#{inspect(Sandbox.connection(sandbox))})"
    package(dir)
    project = project(dir)

    run!("mix", ["compile"], project)
    say(sandbox, "one")
    assert run!("mix", ["run", "-e", read], project) =~ "read one with "

    # A server that does not have the plugin, and no checkout that does.
    assert {output, 1} = run("mix", ["pg_etf.sandbox", "--bindir", server(dir)], project)
    assert output =~ "is not built: run `make` at the top of the checkout"

    run!("mix", ["release"], project)
    release = Path.join(project, "_build/prod/rel/shop")
    say(sandbox, "two")

    assert run!(Path.join(release, "bin/shop"), ["eval", read], release) =~
             "read two with #{release}/lib/pg_etf"
  end

  defp server(dir) do
    bindir = Path.join(dir, "server")
    File.mkdir!(bindir)
    for name <- ["initdb", "postgres", "pg_ctl"], do: program(bindir, name, "exit 1")
    program(bindir, "pg_config", "echo /nowhere")
    bindir
  end

  defp program(dir, name, text) do
    path = Path.join(dir, name)
    File.write!(path, "#!/bin/sh\n" <> text)
    File.chmod!(path, 0o755)
    path
  end

  defp say(sandbox, text) do
    Sandbox.psql!(sandbox, "SELECT pg_logical_emit_message(true, 'shop', '#{text}')")
  end

  # What the compiler answers in a directory, without compiling anything else.
  defp compiler(dir, env) do
    code = "Mix.start(); IO.inspect(elem(Mix.Tasks.Compile.PgEtfClient.run([]), 0))"
    {output, 0} = run("elixir", ["-pa", Mix.Project.compile_path(), "-e", code], dir, env)
    output
  end

  # Where there is no C compiler.
  defp path(dir) do
    bin = Path.join(dir, "bin")
    File.mkdir!(bin)

    for name <- ~w(sh erl elixir readlink dirname basename uname expr sed cat make),
        path = System.find_executable(name),
        do: File.ln_s!(path, Path.join(bin, name))

    bin
  end

  describe "the compiler, without" do
    test "libpq's headers", %{tmp_dir: dir} do
      env = [{"PG_CONFIG", program(dir, "pg_config", "echo /nowhere/include")}]
      output = compiler(package(dir), env)
      assert output =~ ":error"
      assert output =~ "libpq-dev"
      assert output =~ "/nowhere/include/libpq-fe.h"
    end

    test "ei's headers", %{tmp_dir: dir} do
      output = compiler(package(dir), [{"ERL_INCLUDE", "/nowhere"}])
      assert output =~ ":error"
      assert output =~ "erlang-dev"
      assert output =~ "/nowhere/ei.h"
    end

    test "a C compiler", %{tmp_dir: dir} do
      output = compiler(package(dir), [{"PATH", path(dir)}])
      assert output =~ ":error"
      assert output =~ "cc not found (Debian: build-essential)"
    end

    test "sources: a program in PATH is used, and found", %{tmp_dir: dir} do
      assert compiler(dir, []) =~ ~r/pg_etf_client is not in PATH.*:ok/s

      program = program(dir, "pg_etf_client", "exit 0")
      env = [{"PATH", dir <> ":" <> System.get_env("PATH")}]
      assert compiler(dir, env) == ":noop\n"
      assert compiler(dir, [{"PG_ETF_CLIENT", program}]) == ":noop\n"

      args = ["-pa", Mix.Project.compile_path(), "-e", "IO.inspect(PgEtf.Client.Port.find())"]
      # The tests' own library has a priv beside it; a copy of its code has none.
      ebin = Path.join(dir, "ebin")
      File.cp_r!(Mix.Project.compile_path(), ebin)
      assert {output, 0} = run("elixir", List.replace_at(args, 1, ebin), dir, env)
      assert output =~ ":ok" and output =~ program
      assert {output, 0} = run("elixir", List.replace_at(args, 1, ebin), dir)
      assert output =~ "class: :config"
    end
  end

  describe "a precompiled program" do
    # An archive with a program that tells the checksum of its text, and a file of checksums.
    defp archive(dir, path, text \\ "exit 0") do
      program = program(dir, "pg_etf_client", text)
      :ok = :erl_tar.create(path, [{~c"pg_etf_client", to_charlist(program)}], [:compressed])
      File.rm!(program)
      sum = :sha256 |> :crypto.hash(File.read!(path)) |> Base.encode16(case: :lower)
      "#{sum}  #{Path.basename(path)}\n"
    end

    # As "mix compile" in the package would, without compiling anything else.
    defp unpack(package, env) do
      code = """
      Mix.start()
      Mix.Project.in_project(:pg_etf, ".", fn _ ->
        IO.inspect(elem(Mix.Tasks.Compile.PgEtfClient.run([]), 0))
      end)
      """

      args = ["-pa", Mix.Project.compile_path(), "-e", code]
      {output, 0} = run("elixir", args, package, env)
      output
    end

    defp installed(package), do: Path.join(package, "priv/pg_etf_client")

    test "is taken from a file, if its checksum is known", %{tmp_dir: dir} do
      package = package(dir)
      path = Path.join(dir, "client.tar.gz")
      line = archive(dir, path)
      # It would be built otherwise.
      env = [{"PG_ETF_PRECOMPILED", path}, {"PATH", path(dir)}]

      output = unpack(package, env)
      assert output =~ ":error"
      assert output =~ "checksums.txt: no such file"

      File.write!(Path.join(package, "checksums.txt"), String.replace(line, "client", "another"))
      assert unpack(package, env) =~ ~r/client.tar.gz has no checksum in .*:error/s

      File.write!(Path.join(package, "checksums.txt"), "# a comment\n" <> line)
      assert unpack(package, env) == ":ok\n"
      assert {"", 0} = run(installed(package), [], dir)
      assert unpack(package, env) == ":noop\n"

      File.write!(path, "x", [:append])
      assert unpack(package, env) =~ ~r/client.tar.gz is not the archive .*:error/s
      archive(dir, path, "exit 1")
      assert unpack(package, env) =~ ~r/client.tar.gz is not the archive .*:error/s
      assert {"", 0} = run(installed(package), [], dir)
    end

    test "is taken from a directory, as the configuration says", %{tmp_dir: dir} do
      package = package(dir)
      archives = Path.join(dir, "archives")
      File.mkdir!(archives)
      name = Mix.PgEtf.Precompiled.name(MixProject.project()[:version])
      config = "config :pg_etf, precompiled: #{inspect(archives)}, checksums: "
      config = config <> inspect(Path.join(archives, "sums"))
      project = project(dir)
      File.mkdir!(Path.join(project, "config"))
      File.write!(Path.join(project, "config/config.exs"), "import Config\n" <> config)

      assert {output, 1} = run("mix", ["compile"], project)
      assert output =~ "#{name}: no such file or directory"

      line = archive(dir, Path.join(archives, name), "echo precompiled")
      File.write!(Path.join(archives, "sums"), line)
      run!("mix", ["compile"], project)
      assert {"precompiled\n", 0} = run(installed(package), [], dir)
    end

    test "is what \"make client-archive\" makes", %{tmp_dir: dir} do
      top = Path.expand("..")
      env = [{"MAKEFLAGS", nil}, {"MAKELEVEL", nil}]
      version = MixProject.project()[:version]
      archive = Path.join([top, "build", Mix.PgEtf.Precompiled.name(version)])
      assert {_, 0} = run("make", ["-s", "client-archive"], top, env)
      assert {_, 0} = run("sha256sum", ["-c", archive <> ".sha256"], Path.dirname(archive))

      package = package(dir)
      File.cp!(archive <> ".sha256", Path.join(package, "checksums.txt"))
      env = [{"PG_ETF_PRECOMPILED", Path.dirname(archive)}, {"PATH", path(dir)}]
      assert unpack(package, env) == ":ok\n"
      assert {output, 0} = run(installed(package), ["--version"], dir)
      assert output =~ version
    end
  end
end
