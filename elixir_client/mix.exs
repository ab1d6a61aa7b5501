defmodule PgEtf.MixProject do
  use Mix.Project

  @version "1.0.0"
  @description "PostgreSQL changes as Elixir terms: a Broadway producer and a plain OTP consumer"

  # What comes from ERL_LIBS is in the code path, but not in the dependencies.
  @no_dependencies [
    Broadway,
    :telemetry,
    Plug.Conn,
    Telemetry.Metrics,
    Ecto,
    Ecto.Type,
    Ecto.UUID,
    Igniter,
    Igniter.Libs.Ecto,
    Igniter.Project.Application,
    Igniter.Project.Config,
    Igniter.Project.Deps,
    Igniter.Project.Module,
    Phoenix.PubSub
  ]

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
      elixirc_options: [no_warn_undefined: @no_dependencies],
      xref: xref(),
      package: package(),
      aliases: aliases(),
      docs: docs()
    ]
  end

  # Elixir 1.20 no longer wants this, and 1.14 does not yet take the other option.
  defp xref do
    if Version.match?(System.version(), "< 1.18.0"), do: [exclude: @no_dependencies], else: []
  end

  def application do
    [mod: {PgEtf.Application, []}, extra_applications: [:logger]]
  end

  defp elixirc_paths(:test), do: ["lib", "test/support"]
  defp elixirc_paths(_), do: ["lib"]

  # A machine without Hex compiles, with what ERL_LIBS has.
  defp deps, do: if(Code.ensure_loaded?(Hex), do: hex_deps(), else: [])

  defp hex_deps do
    [
      {:telemetry, "~> 0.4.3 or ~> 1.0"},
      {:broadway, "~> 1.0", optional: true},
      {:gen_stage, "~> 1.0", optional: true},
      {:telemetry_metrics, "~> 0.6 or ~> 1.0", optional: true},
      {:plug, "~> 1.14", optional: true},
      {:ecto, "~> 3.11", optional: true},
      {:phoenix_pubsub, "~> 2.1", optional: true},
      {:decimal, "~> 2.0 or ~> 3.0", optional: true},
      {:postgrex, "~> 0.17", optional: true},
      {:ecto_sql, "~> 3.11", only: :test},
      {:ex_doc, "~> 0.36", only: [:dev, :docs], runtime: false}
      | by_version()
    ]
  end

  # What Igniter depends on needs this Elixir, which has JSON of its own. It brings Jason.
  defp by_version do
    if Version.match?(System.version(), ">= 1.18.0"),
      do: [{:igniter, "~> 0.6", optional: true, runtime: false}],
      else: [{:jason, "~> 1.4", only: :test}]
  end

  defp package do
    [
      licenses: ["PostgreSQL"],
      links: %{},
      files:
        ~w(lib src guides c_src mix.exs .formatter.exs README.md CHANGELOG.md LICENSE) ++
          Path.wildcard("checksums.txt")
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

  defp guides, do: Path.wildcard("guides/*.{md,livemd,cheatmd}")

  # What modules and guides refer to, of the project's documentation.
  defp reference do
    for name <-
          ~w(command-line metrics node operations options packages performance port print) ++
            ~w(protocol security sidecar-protocol snapshots sql-to-beam types),
        do: "../docs/#{name}.md"
  end

  defp docs do
    [
      main: "PgEtf",
      source_ref: "v#{@version}",
      extras: ["README.md" | guides()] ++ ["CHANGELOG.md" | reference()],
      groups_for_extras: [
        "Start here": ~r"first-steps|cheatsheet",
        "In production": ~r"in-a-|many-streams|exactly-once",
        "With others": ~r"live-view|from-|to-a-|queries-",
        Reference: ~r"docs/"
      ],
      assets: %{"../docs/images" => "images"},
      groups_for_modules: [
        Data: [
          PgEtf.Change,
          PgEtf.SchemaChange,
          PgEtf.SchemaHistory,
          PgEtf.Command,
          PgEtf.Transaction,
          PgEtf.Prepared,
          PgEtf.Relation,
          PgEtf.Lsn,
          PgEtf.Error,
          PgEtf.Frame,
          PgEtf.Frame.Decoder
        ],
        Observability: [PgEtf.Metrics, PgEtf.Progress, PgEtf.Telemetry, PgEtf.Web, PgEtf.Web.Plug],
        Pipelines: [
          PgEtf.Producer,
          PgEtf.Pipeline,
          PgEtf.Consumer,
          PgEtf.Fanout,
          PgEtf.Position,
          PgEtf.Backfill,
          PgEtf.Ecto,
          PgEtf.Ecto.LoadError,
          PgEtf.Outbox,
          PgEtf.Outbox.Event,
          PgEtf.PubSub,
          PgEtf.Trace,
          PgEtf.Debezium
        ],
        "Calls from SQL": [PgEtf.Cluster, PgEtf.Functions, PgEtf.Sidecar, PgEtf.SQLError],
        Development: [PgEtf.Sandbox, PgEtf.Testing, PgEtf.Doctor]
      ]
    ]
  end
end
