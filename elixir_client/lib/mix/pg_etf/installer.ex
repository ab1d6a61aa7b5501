defmodule Mix.PgEtf.Installer do
  @moduledoc false
  # What mix pg_etf.install changes in a project. Igniter asks before it writes; what is there
  # already stays as it is.

  alias Igniter.Libs.Ecto, as: Repos
  alias Igniter.Project.{Application, Config, Deps}
  alias Mix.PgEtf.Generator
  alias Mix.Tasks.PgEtf.Gen

  @spec run(struct) :: struct
  def run(igniter) do
    opts = igniter.args.options
    app = Application.app_name(igniter)
    {igniter, repo} = repo(igniter, opts[:repo])
    module = opts[:module] || inspect(Igniter.Project.Module.module_name(igniter, "Changes"))
    what = Map.put(Generator.what(module, opts), :database, repo || [database: "#{app}"])

    igniter
    |> generate(what, opts[:pipeline])
    |> configure(what, app)
    |> supervise(what, app, repo)
    |> Igniter.add_notice(notice(what, repo))
  end

  defp repo(igniter, nil) do
    {igniter, repos} = Repos.list_repos(igniter)
    {igniter, repos |> Enum.sort() |> List.first()}
  end

  defp repo(igniter, name), do: {igniter, Module.concat([name])}

  defp generate(igniter, what, true) do
    igniter
    |> Deps.add_dep({:broadway, "~> 1.0"}, on_exists: :skip)
    |> create(what, Gen.Pipeline)
  end

  defp generate(igniter, what, _), do: create(igniter, what, Gen.Consumer)

  defp create(igniter, what, task) do
    for {path, text} <- Generator.files(what, task), reduce: igniter do
      igniter -> Igniter.create_new_file(igniter, path, text, on_exists: :skip)
    end
  end

  defp configure(igniter, what, app) do
    igniter
    |> Config.configure_new("config.exs", app, [module(what)], connection: what.database)
    |> Config.configure_new("test.exs", :pg_etf, [:testing], :manual)
  end

  defp supervise(igniter, what, app, repo) do
    options = Code.string_to_quoted!("Application.fetch_env!(#{inspect(app)}, #{what.module})")
    Application.add_new_child(igniter, {module(what), {:code, options}}, after: List.wrap(repo))
  end

  defp module(what), do: Module.concat([what.module])

  defp notice(what, repo) do
    """
    #{what.module} reads slot #{what.slot}, which it creates when it starts first. From then on \
    the server keeps WAL for it until the slot is dropped, even while nobody reads it.

    The server needs wal_level = logical, a role with REPLICATION and the plugin \
    pg_etf_decoding; without the plugin, option :plugin says what else there is. \
    It is looked at by

        mix pg_etf.doctor #{database(what, repo)} --slot #{what.slot}

    config/config.exs says where the database is. In tests no server is needed: see PgEtf.Testing.
    """
  end

  defp database(_what, repo) when repo != nil, do: "--repo #{inspect(repo)}"
  defp database(what, nil), do: "--database #{what.database[:database]}"
end
