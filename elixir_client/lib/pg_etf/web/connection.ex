defmodule PgEtf.Web.Connection do
  @moduledoc false
  # One request and its answer. The runtime reads lines and headers; what is here bounds
  # them in number and in time, and looks at nothing but method, path and host.

  alias PgEtf.Web.Router

  # Milliseconds for all of a request, and for the rest of one that was answered before
  # it was read.
  @deadline 5_000
  @linger 500
  @most_headers 64
  @most_lingering 65_536

  @reasons %{
    200 => "OK",
    202 => "Accepted",
    400 => "Bad Request",
    404 => "Not Found",
    405 => "Method Not Allowed",
    408 => "Request Timeout",
    421 => "Misdirected Request",
    431 => "Request Header Fields Too Large",
    503 => "Service Unavailable"
  }

  @doc "Reads a request, answers it, and closes the connection."
  @spec serve(:gen_tcp.socket(), map) :: :ok
  def serve(socket, config) do
    deadline = now() + @deadline

    with {:ok, {:http_request, method, uri, {1, _}}} <- read(socket, deadline),
         {:ok, host} <- headers(socket, deadline, nil, @most_headers) do
      answer(socket, method, Router.answer(method(method), path(uri), hosted(host, config)))
    else
      {:ok, _no_request} -> answer(socket, nil, Router.refuse(400))
      {:error, status} when is_integer(status) -> answer(socket, nil, Router.refuse(status))
      {:error, :timeout} -> answer(socket, nil, Router.refuse(408))
      # Also after a line that is too long, at which the runtime hangs up.
      {:error, _closed} -> :gen_tcp.close(socket)
    end

    :ok
  end

  defp hosted(host, config), do: Map.put(config, :host, host)

  defp now, do: System.monotonic_time(:millisecond)

  defp read(socket, deadline), do: :gen_tcp.recv(socket, 0, max(deadline - now(), 0))

  defp headers(_socket, _deadline, _host, 0), do: {:error, 431}

  defp headers(socket, deadline, host, left) do
    case read(socket, deadline) do
      {:ok, {:http_header, _, :Host, _, value}} -> headers(socket, deadline, value, left - 1)
      {:ok, {:http_header, _, _name, _, _value}} -> headers(socket, deadline, host, left - 1)
      {:ok, :http_eoh} -> {:ok, host}
      {:ok, _no_header} -> {:error, 400}
      {:error, reason} -> {:error, reason}
    end
  end

  defp method(method), do: to_string(method)

  # What is no path is found nowhere.
  defp path({:abs_path, path}), do: path |> String.split(["?", "#"]) |> hd()
  defp path({:absoluteURI, _scheme, _host, _port, path}), do: path({:abs_path, path})
  defp path(_uri), do: ""

  ## Answering

  defp answer(socket, method, {status, headers, body}) do
    head = [
      "HTTP/1.1 #{status} #{@reasons[status]}\r\n",
      for({name, value} <- headers, do: [name, ": ", value, "\r\n"]),
      "content-length: #{IO.iodata_length(body)}\r\nconnection: close\r\n\r\n"
    ]

    body = if method == :HEAD, do: [], else: body
    with :ok <- :gen_tcp.send(socket, [head, body]), do: linger(socket)
    :gen_tcp.close(socket)
  end

  # To close on what was not read would throw away the answer on its way.
  defp linger(socket) do
    :gen_tcp.shutdown(socket, :write)
    :inet.setopts(socket, packet: :raw)
    drain(socket, now() + @linger, @most_lingering)
  end

  defp drain(socket, deadline, left) do
    case read(socket, deadline) do
      {:ok, bytes} when byte_size(bytes) < left ->
        drain(socket, deadline, left - byte_size(bytes))

      _ ->
        :ok
    end
  end
end
