# A task of Igniter's where Igniter is.
if Code.ensure_loaded?(Igniter.Mix.Task) do
  defmodule Mix.Tasks.PgEtf.Install do
    @shortdoc "Adds a consumer or a pipeline to an application"

    @moduledoc """
    Adds a consumer or a pipeline to an application: the module and its test, its place in the
    supervision tree, and configuration.

        $ mix igniter.install pg_etf
        $ mix pg_etf.install --module Shop.Feed --pipeline --tables public.orders,public.items

    The first also adds the dependency. Both show what they would change, and ask.

      * `--module`: the name of the module (`Changes` of the application).
      * `--pipeline`: a pipeline of Broadway (`mix pg_etf.gen.pipeline`) instead of a
        `PgEtf.Consumer` (`mix pg_etf.gen.consumer`).
      * `--slot`: the name of its slot (that of the module).
      * `--tables`: which tables it is about (`public.*`).
      * `--repo`: the Repo whose database it reads (the first there is; without any, a
        database that has the name of the application).

    `config/config.exs` says where the database is, `config/test.exs` that tests need no server.
    What is there already is left as it is.
    """

    use Igniter.Mix.Task

    @impl Igniter.Mix.Task
    def info(_argv, _composing_task) do
      %Igniter.Mix.Task.Info{
        group: :pg_etf,
        schema:
          [module: :string, pipeline: :boolean, repo: :string] ++ Mix.PgEtf.Generator.switches(),
        example: "mix pg_etf.install --module Shop.Feed --pipeline"
      }
    end

    @impl Igniter.Mix.Task
    def igniter(igniter), do: Mix.PgEtf.Installer.run(igniter)
  end
else
  defmodule Mix.Tasks.PgEtf.Install do
    @shortdoc "Adds a consumer or a pipeline to an application, by Igniter"

    @moduledoc """
    Adds a consumer or a pipeline to an application, where Igniter is; elsewhere it says what to
    do.
    """

    use Mix.Task

    @impl true
    def run(_args) do
      Mix.raise("""
      mix pg_etf.install needs Igniter. Either

          mix archive.install hex igniter_new
          mix igniter.install pg_etf

      or, without it, mix pg_etf.gen.consumer (or mix pg_etf.gen.pipeline), which says where to
      add what it has written. If Igniter came after pg_etf: mix deps.compile pg_etf --force
      """)
    end
  end
end
