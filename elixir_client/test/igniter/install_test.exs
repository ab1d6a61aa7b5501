if Code.ensure_loaded?(Igniter.Test) do
  defmodule PgEtf.InstallTest do
    use ExUnit.Case, async: true

    import Igniter.Test

    @repo """
    defmodule Shop.Repo do
      use Ecto.Repo, otp_app: :shop, adapter: Ecto.Adapters.Postgres
    end
    """

    @application """
    defmodule Shop.Application do
      use Application

      @impl true
      def start(_type, _args) do
        children = [
          Shop.Repo,
          Shop.Web
        ]

        Supervisor.start_link(children, strategy: :one_for_one)
      end
    end
    """

    defp project(files \\ %{}), do: test_project(app_name: :shop, files: files)

    defp install(igniter, args \\ []), do: Igniter.compose_task(igniter, "pg_etf.install", args)

    defp content(igniter, path) do
      igniter.rewrite |> Rewrite.source!(path) |> Rewrite.Source.get(:content)
    end

    # What the generators write, with the same arguments.
    defp generated(task, module, opts \\ []) do
      module |> Mix.PgEtf.Generator.what(opts) |> Mix.PgEtf.Generator.files(task)
    end

    test "a new application gets a consumer, and is one that starts it" do
      igniter = install(project())

      for {path, text} <- generated(Mix.Tasks.PgEtf.Gen.Consumer, "Shop.Changes"),
          do: assert_creates(igniter, path, text)

      assert content(igniter, "config/config.exs") =~
               ~s|config :shop, Shop.Changes, connection: [database: "shop"]|

      assert content(igniter, "config/test.exs") =~ "config :pg_etf, testing: :manual"
      assert content(igniter, "mix.exs") =~ "mod: {Shop.Application, []}"

      assert content(igniter, "lib/shop/application.ex") =~
               "children = [{Shop.Changes, Application.fetch_env!(:shop, Shop.Changes)}]"

      assert [notice] = igniter.notices
      assert notice =~ "wal_level = logical"
      assert notice =~ "mix pg_etf.doctor --database shop --slot changes"
    end

    test "the database is that of the Repo, which starts before" do
      files = %{"lib/shop/repo.ex" => @repo, "lib/shop/application.ex" => @application}

      igniter =
        files
        |> Map.put("mix.exs", mix_exs())
        |> project()
        |> install()

      assert content(igniter, "config/config.exs") =~
               "config :shop, Shop.Changes, connection: Shop.Repo"

      assert content(igniter, "lib/shop/application.ex") =~
               ~r/Shop.Repo,.*{Shop.Changes, Application.fetch_env!\(:shop, Shop.Changes\)}/s

      assert [notice] = igniter.notices
      assert notice =~ "mix pg_etf.doctor --repo Shop.Repo --slot changes"
    end

    test "a pipeline needs Broadway, and has the names that are given" do
      args =
        ~w(--pipeline --module Shop.Feed --slot shop_feed --tables public.a,public.b) ++
          ~w(--repo Shop.Other)

      igniter = install(project(), args)
      opts = [slot: "shop_feed", tables: "public.a,public.b"]

      for {path, text} <- generated(Mix.Tasks.PgEtf.Gen.Pipeline, "Shop.Feed", opts),
          do: assert_creates(igniter, path, text)

      assert content(igniter, "mix.exs") =~ ~s|{:broadway, "~> 1.0"}|
      assert content(igniter, "config/config.exs") =~ "Shop.Feed, connection: Shop.Other"
      assert content(igniter, "lib/shop/application.ex") =~ "[{Shop.Feed, Application.fetch_env!"
    end

    test "a second time changes nothing, whatever has been edited" do
      files = %{
        "lib/shop/changes.ex" => "defmodule Shop.Changes do\n  # mine\nend\n",
        "config/config.exs" => "import Config\nconfig :shop, Shop.Changes, connection: []\n"
      }

      once = files |> project() |> install() |> apply_igniter!()
      assert content(once, "lib/shop/changes.ex") =~ "mine"
      assert content(once, "config/config.exs") =~ "connection: []"
      once |> install() |> assert_unchanged()
    end

    test "what names nothing is refused" do
      assert_raise Mix.Error, ~r/names no slot/, fn -> install(project(), ~w(--slot A-B)) end
      assert_raise Mix.Error, ~r/names no module/, fn -> install(project(), ~w(--module shop)) end
    end

    defp mix_exs do
      """
      defmodule Shop.MixProject do
        use Mix.Project

        def project, do: [app: :shop, version: "0.1.0", deps: deps()]

        def application do
          [extra_applications: [:logger], mod: {Shop.Application, []}]
        end

        defp deps do
          []
        end
      end
      """
    end
  end
end
