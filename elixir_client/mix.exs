defmodule PgEtf.MixProject do
  use Mix.Project

  @version "1.0.0"
  @description "PostgreSQL changes as Elixir terms: a Broadway producer and a plain OTP consumer"

  def project do
    [
      app: :pg_etf,
      version: @version,
      elixir: "~> 1.14",
      name: "PgEtf",
      description: @description,
      start_permanent: Mix.env() == :prod,
      compilers: Mix.compilers() ++ [:pg_etf_client],
      elixirc_paths: elixirc_paths(Mix.env()),
      deps: deps(),
      # Broadway may come from ERL_LIBS, where there is no Hex.
      prune_code_paths: false,
      package: package(),
      aliases: aliases(),
      docs: docs()
    ]
  end

  def application do
    [mod: {PgEtf.Application, []}, extra_applications: [:logger]]
  end

  defp elixirc_paths(:test), do: ["lib", "test/support"]
  defp elixirc_paths(_), do: ["lib"]

  # Even an optional Hex dependency stops `mix compile` where Hex is not
  # installed, and nothing here needs one to compile.
  defp deps do
    if Code.ensure_loaded?(Hex) do
      [
        {:broadway, "~> 1.0", optional: true},
        {:telemetry, "~> 0.4.3 or ~> 1.0", optional: true},
        {:decimal, "~> 2.0 or ~> 3.0", optional: true},
        {:postgrex, "~> 0.17", only: :test},
        {:jason, "~> 1.4", only: :test},
        {:ex_doc, "~> 0.31", only: :docs, runtime: false}
      ]
    else
      []
    end
  end

  defp package do
    [
      licenses: ["PostgreSQL"],
      links: %{},
      files: ~w(lib guides c_src mix.exs .formatter.exs README.md CHANGELOG.md LICENSE)
    ]
  end

  defp aliases do
    for task <- ["hex.build", "hex.publish"] do
      {String.to_atom(task), [fn _ -> copy_sources(File.cwd!()) end, task]}
    end
  end

  # A package holds no file from above its own directory, but the C program is
  # built from there: what it needs goes along in c_src.
  @sources ~w(Makefile src/client src/common include/client include/common)

  @doc false
  def copy_sources(dir) do
    top = Path.expand("..", __DIR__)
    File.rm_rf!(Path.join(dir, "c_src"))
    File.cp!(Path.join(top, "LICENSE"), Path.join(dir, "LICENSE"))

    for path <- @sources,
        file <- Path.wildcard("#{top}/#{path}/**/*.{c,h,mk}") ++ [Path.join(top, path)],
        File.regular?(file) do
      copy = Path.join([dir, "c_src", Path.relative_to(file, top)])
      File.mkdir_p!(Path.dirname(copy))
      File.cp!(file, copy)
    end
  end

  defp docs do
    [
      main: "PgEtf",
      source_ref: "v#{@version}",
      extras: Path.wildcard("guides/*.{md,livemd}"),
      groups_for_modules: [
        Data: [PgEtf.Change, PgEtf.Transaction, PgEtf.Relation, PgEtf.Lsn],
        Pipelines: [PgEtf.Producer, PgEtf.Consumer, PgEtf.Position],
        Development: [PgEtf.Sandbox, PgEtf.Test]
      ]
    ]
  end
end
