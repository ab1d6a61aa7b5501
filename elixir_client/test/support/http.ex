defmodule PgEtf.HTTP do
  @moduledoc false
  # Speaks to PgEtf.Web as a browser does, and as one should not.

  @doc "Asks for a path; gives status, headers and body."
  def get(port, path, opts \\ []) do
    method = Keyword.get(opts, :method, "GET")
    host = Keyword.get(opts, :host, "localhost:#{port}")
    port |> send_raw("#{method} #{path} HTTP/1.1\r\nhost: #{host}\r\n\r\n") |> answer()
  end

  @doc "Sends bytes over a connection of their own, and does not close it."
  def send_raw(port, bytes) do
    {:ok, socket} = :gen_tcp.connect({127, 0, 0, 1}, port, [:binary, active: false])
    :gen_tcp.send(socket, bytes)
    socket
  end

  @doc "What comes until the other side closes; nil if that is nothing."
  def answer(socket) do
    case read(socket, "") do
      "HTTP/1.1 " <> <<status::binary-3>> <> rest ->
        [head, body] = String.split(rest, "\r\n\r\n", parts: 2)
        [_reason | lines] = String.split(head, "\r\n")
        headers = Map.new(lines, &(&1 |> String.split(": ", parts: 2) |> List.to_tuple()))
        {String.to_integer(status), headers, body}

      "" ->
        nil
    end
  end

  defp read(socket, read) do
    case :gen_tcp.recv(socket, 0, 20_000) do
      {:ok, bytes} -> read(socket, read <> bytes)
      {:error, reason} when reason in [:closed, :econnreset] -> read
    end
  end

  @doc "The port of a running server."
  def port(name) do
    [_, port] = Regex.run(~r/:(\d+)\/$/, PgEtf.Web.url(name))
    String.to_integer(port)
  end
end
