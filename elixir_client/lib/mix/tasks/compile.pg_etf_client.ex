defmodule Mix.Tasks.Compile.PgEtfClient do
  @moduledoc """
  Builds the C program `pg_etf_client` into `priv`.

  Runs as the last compiler of this application. The program is built from its
  sources, those of the checkout or those that a package carries in `c_src`, which
  needs `make`, a C compiler and the headers of libpq and of Erlang's `ei` library.
  Nothing is built when the environment variable `PG_ETF_CLIENT` names a program,
  or where there are no sources: then the one in `PATH` is used. A release carries
  the program in `priv`.

  With `PG_ETF_PRECOMPILED`, or `config :pg_etf, precompiled: path`, the program is
  taken from an archive that `make client-archive` has made: a file, or the one for
  this machine in a directory. Its SHA-256 must be in the package's `checksums.txt`,
  or in the file that `PG_ETF_CHECKSUMS` or `config :pg_etf, checksums: path` names.
  """

  use Mix.Task.Compiler

  alias Mix.PgEtf.Precompiled

  @program "pg_etf_client"

  @impl true
  def run(_args) do
    cond do
      System.get_env("PG_ETF_CLIENT") -> {:noop, []}
      path = Precompiled.given() -> unpack(path)
      root() -> build(root())
      System.find_executable(@program) -> {:noop, []}
      true -> warn("#{@program} is not in PATH and not in priv: streams cannot be started")
    end
  end

  @impl true
  def clean do
    File.rm(target())
    :ok
  end

  # Where the sources are: at the top of the checkout, beside which this
  # application lies, or in the package.
  defp root do
    Enum.find([Path.expand(".."), Path.expand("c_src")], fn dir ->
      File.regular?(Path.join(dir, "src/client/main.c"))
    end)
  end

  defp target, do: Path.join([File.cwd!(), "priv", @program])

  defp build(root) do
    with :ok <- tools(),
         :ok <- headers(),
         :ok <- make(root) do
      [root, "build", @program] |> Path.join() |> File.read!() |> install()
    else
      {:error, text} -> fail(text)
    end
  end

  defp unpack(path) do
    case Precompiled.read(path, Mix.Project.config()[:version]) do
      {:ok, program} -> install(program)
      {:error, text} -> fail(text)
    end
  end

  defp tools do
    case Enum.reject(["make", "cc"], &System.find_executable/1) do
      [] -> :ok
      missing -> {:error, "#{Enum.join(missing, " and ")} not found (Debian: build-essential)"}
    end
  end

  defp headers do
    missing =
      for {path, text} <- [
            {Path.join(libpq_headers(), "libpq-fe.h"), "libpq's headers (Debian: libpq-dev)"},
            {Path.join(ei_headers(), "ei.h"), "the headers of Erlang's ei (Debian: erlang-dev)"}
          ],
          not File.regular?(path),
          do: "#{text}, looked for #{path}"

    case missing do
      [] -> :ok
      texts -> {:error, "missing: " <> Enum.join(texts, "; ")}
    end
  end

  defp libpq_headers do
    pg_config = System.get_env("PG_CONFIG") || System.find_executable("pg_config")

    case pg_config && System.cmd(pg_config, ["--includedir"]) do
      {dir, 0} -> String.trim(dir)
      _ -> "/usr/include/postgresql"
    end
  end

  defp ei_headers do
    System.get_env("ERL_INCLUDE") || Path.join([:code.root_dir(), "usr", "include"])
  end

  defp make(root) do
    # A surrounding make would hand down its job server and its variables.
    env = [{"MAKEFLAGS", nil}, {"MAKELEVEL", nil}, {"MFLAGS", nil}]

    # Another compiler's new warnings are no reason not to build.
    args = ["-s", "-j", "4", "-C", root, "client", "WARNINGS=-Wall -Wextra"]

    case System.cmd("make", args, stderr_to_stdout: true, env: env) do
      {_output, 0} -> :ok
      {output, status} -> {:error, "make client exited with status #{status}\n#{output}"}
    end
  end

  defp install(program) do
    if File.read(target()) == {:ok, program} do
      {:noop, []}
    else
      File.mkdir_p!(Path.dirname(target()))
      # A program that runs cannot be written over, but replaced.
      File.write!(target() <> ".new", program)
      File.chmod!(target() <> ".new", 0o755)
      File.rename!(target() <> ".new", target())
      Mix.Project.build_structure()
      {:ok, []}
    end
  end

  defp warn(text), do: {:ok, [report(:warning, text)]}
  defp fail(text), do: {:error, [report(:error, text)]}

  defp report(severity, text) do
    message = "#{@program}: #{text}"
    Mix.shell().error(message)

    %Mix.Task.Compiler.Diagnostic{
      compiler_name: "pg_etf_client",
      file: Path.join(root() || File.cwd!(), "Makefile"),
      message: message,
      position: 0,
      severity: severity
    }
  end
end
