defmodule PgEtf.Web.Plug do
  @moduledoc """
  What `PgEtf.Web` answers, as a Plug for Phoenix and others.

      forward "/streams", PgEtf.Web.Plug

  in a router, behind whatever decides who may look. No child is needed for it.

  The option `:max_unacknowledged` is that of `PgEtf.Web`.
  """

  alias PgEtf.Web.Router

  @compile {:no_warn_undefined, Plug.Conn}

  @doc false
  def init(opts), do: Map.new(Keyword.validate!(opts, max_unacknowledged: 300_000))

  @doc false
  def call(conn, config) do
    path = "/" <> Enum.join(conn.path_info, "/")
    {status, headers, body} = Router.answer(conn.method, path, config)

    headers
    |> Enum.reduce(conn, fn {name, value}, conn ->
      Plug.Conn.put_resp_header(conn, name, value)
    end)
    |> Plug.Conn.send_resp(status, body)
    |> Plug.Conn.halt()
  end
end
