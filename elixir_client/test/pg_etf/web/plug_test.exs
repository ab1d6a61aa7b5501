if Code.ensure_loaded?(Plug.Test) do
  defmodule PgEtf.WebPlugTest do
    # The same answers inside of another application, under a path of its own.
    use ExUnit.Case, async: true

    import Plug.Test

    defmodule Router do
      use Plug.Router

      plug(:match)
      plug(:dispatch)

      forward("/admin/streams", to: PgEtf.Web.Plug)
      match(_, do: send_resp(conn, 418, "not here"))
    end

    setup_all do
      Application.load(:plug)
      :ok
    end

    defp answer(method, path), do: method |> conn(path) |> Router.call(Router.init([]))

    test "the page, status, metrics and health" do
      for path <- ["", "/"] do
        page = answer(:get, "/admin/streams" <> path)
        assert page.status == 200
        assert page.resp_body =~ "<!doctype html>"

        assert ["default-src 'none'" <> _] =
                 Plug.Conn.get_resp_header(page, "content-security-policy")
      end

      assert answer(:get, "/admin/streams/status.json").resp_body =~ ~s("streams":[)

      assert ["text/plain; version=0.0.4; charset=utf-8"] =
               Plug.Conn.get_resp_header(answer(:get, "/admin/streams/metrics"), "content-type")

      assert answer(:get, "/admin/streams/health").status in [200, 202, 503]
    end

    test "what is not there, not done, and not its own" do
      assert answer(:get, "/admin/streams/nothing").status == 404
      assert answer(:post, "/admin/streams").status == 405
      assert answer(:get, "/").status == 418
      # Who may ask under which name is for the application to say.
      elsewhere = %{conn(:get, "/admin/streams") | host: "shop.example"}
      assert Router.call(elsewhere, []).status == 200
    end

    test "options are checked" do
      assert PgEtf.Web.Plug.init(max_unacknowledged: 5) == %{max_unacknowledged: 5}
      assert_raise ArgumentError, fn -> PgEtf.Web.Plug.init(port: 1) end
    end
  end
end
