defmodule PgEtf.Web.Page do
  @moduledoc false
  # The page: one file, read when this module is compiled. The style and the script in it
  # are the only ones that a browser may use: they have the word that the policy names.

  @path Path.join(__DIR__, "page.html")
  @external_resource @path
  @parts @path |> File.read!() |> String.split("{{nonce}}")

  @spec render() :: {html :: iodata, headers :: [{String.t(), String.t()}]}
  def render do
    nonce = Base.encode16(:rand.bytes(16))
    {Enum.intersperse(@parts, nonce), [{"content-security-policy", policy(nonce)}]}
  end

  defp policy(nonce) do
    "default-src 'none'; style-src 'nonce-#{nonce}'; script-src 'nonce-#{nonce}'; " <>
      "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; " <>
      "frame-ancestors 'self'"
  end
end
