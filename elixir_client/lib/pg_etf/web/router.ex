defmodule PgEtf.Web.Router do
  @moduledoc false
  # What is answered to a method and a path: by PgEtf.Web.Connection, and by
  # PgEtf.Web.Plug inside another application.

  alias PgEtf.Metrics
  alias PgEtf.Metrics.Report
  alias PgEtf.Web.{Health, JSON, Page, Status}

  @type answer :: {status :: pos_integer, [{String.t(), iodata}], iodata}

  @json "application/json; charset=utf-8"
  @plain "text/plain; charset=utf-8"
  @metrics "text/plain; version=0.0.4; charset=utf-8"

  # Of all answers: they are of this moment, and what they are is said in their type.
  @headers [
    {"cache-control", "no-store"},
    {"x-content-type-options", "nosniff"},
    {"referrer-policy", "no-referrer"}
  ]

  @doc """
  Answers. The config has `:max_unacknowledged`, and for a server of its own `:ip` and
  `:host`, the name by which it was asked.
  """
  @spec answer(String.t(), String.t(), map) :: answer
  def answer(method, path, config) do
    cond do
      not known?(config[:ip], config[:host]) -> refuse(421)
      method in ["GET", "HEAD"] -> get(path, config)
      true -> refuse(405)
    end
  end

  defp get("/", _config) do
    {html, headers} = Page.render()
    reply(200, "text/html; charset=utf-8", html, headers)
  end

  defp get("/metrics", _config), do: reply(200, @metrics, Metrics.text())

  defp get("/status.json", config) do
    reply(200, @json, config.max_unacknowledged |> Status.read() |> JSON.encode())
  end

  defp get("/health", config) do
    {status, text} = Health.check(Report.all(), config.max_unacknowledged)
    reply(status, @plain, text)
  end

  defp get(_path, _config), do: refuse(404)

  @doc "An answer that says no."
  @spec refuse(pos_integer) :: answer
  def refuse(405), do: reply(405, @plain, "only GET and HEAD\n", [{"allow", "GET, HEAD"}])
  def refuse(421), do: reply(421, @plain, "this server answers to localhost\n")
  def refuse(status), do: reply(status, @plain, "#{status}\n")

  defp reply(status, type, body, headers \\ []) do
    {status, [{"content-type", type} | headers] ++ @headers, body}
  end

  # Pages of others can make a browser ask under a name of theirs that leads here.
  defp known?({127, _, _, _}, host), do: local?(host)
  defp known?({0, 0, 0, 0, 0, 0, 0, 1}, host), do: local?(host)
  defp known?(_ip, _host), do: true

  defp local?(nil), do: true

  defp local?(host) do
    host = String.downcase(Regex.replace(~r/:\d+\z/, host, ""))
    host in ["localhost", "[::1]"] or host =~ ~r/\A127\.\d{1,3}\.\d{1,3}\.\d{1,3}\z/
  end
end
