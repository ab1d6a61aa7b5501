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
      docs: docs()
    ]
  end

  def application do
    [extra_applications: [:logger]]
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
      files: ~w(lib guides mix.exs .formatter.exs README.md CHANGELOG.md)
    ]
  end

  defp docs do
    [
      main: "PgEtf",
      source_ref: "v#{@version}",
      extras: Path.wildcard("guides/*.{md,livemd}"),
      groups_for_modules: [
        Data: [PgEtf.Change, PgEtf.Transaction, PgEtf.Relation, PgEtf.Lsn],
        Pipelines: [PgEtf.Producer, PgEtf.Consumer],
        Development: [PgEtf.Sandbox, PgEtf.Test]
      ]
    ]
  end
end
