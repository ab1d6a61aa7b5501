defmodule PgEtf.WebHostileTest do
  # What must not hold it up, fill it or end it.
  use ExUnit.Case, async: true

  import PgEtf.Eventually

  alias PgEtf.{HTTP, Web}

  @moduletag :capture_log

  setup context do
    name = Module.concat(__MODULE__, "Web#{System.unique_integer([:positive])}")
    start_supervised!({Web, [port: 0, name: name] ++ Map.get(context, :web, [])})
    %{web: name, port: HTTP.port(name)}
  end

  # Answers as before, by the same processes.
  defp unharmed(%{web: web, port: port}, fun) do
    before = Supervisor.which_children(web)
    result = fun.()
    assert {200, _, _} = HTTP.get(port, "/status.json")
    assert Supervisor.which_children(web) == before
    result
  end

  defp connections(web), do: web |> Module.concat(Connections) |> Task.Supervisor.children()

  @line "GET / HTTP/1.1\r\nhost: localhost\r\n"

  for {what, bytes, status} <- [
        {"no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03\r\n\r\n", 400},
        {"binary, without an end of a line", String.duplicate(<<0, 255>>, 10_000), nil},
        {"an answer", "HTTP/1.1 200 OK\r\n\r\n", 400},
        {"a line without a version", "GET /\r\n\r\n", 400},
        {"a long line", "GET /#{String.duplicate("a", 100_000)} HTTP/1.1\r\n\r\n", nil},
        {"a long header", @line <> "x: #{String.duplicate("a", 100_000)}\r\n\r\n", nil},
        {"many headers", @line <> String.duplicate("x: y\r\n", 10_000) <> "\r\n", 431},
        {"no header", @line <> "no colon here\r\n\r\n", 400},
        {"a folded header", @line <> "x: y\r\n z\r\n\r\n", 200},
        {"an odd encoding", "GET /%ff%00%zz\xFF\xFE HTTP/1.1\r\nhost: localhost\r\n\r\n", 404},
        {"odd bytes in a header", @line <> "x: \xFF\xFE\x00\r\n\r\n", 200},
        {"another host", "GET http://evil/status.json HTTP/1.1\r\nhost: localhost\r\n\r\n", 200},
        {"a host that is no text", "GET / HTTP/1.1\r\nhost: \xFF\xFE\r\n\r\n", 421},
        {"a proxy's method", "CONNECT evil:443 HTTP/1.1\r\nhost: localhost\r\n\r\n", 405},
        {"two at once", @line <> "\r\n" <> @line <> "\r\n", 200}
      ] do
    @bytes bytes
    @status status
    test what, context do
      unharmed(context, fn ->
        answer = context.port |> HTTP.send_raw(@bytes) |> HTTP.answer()
        assert @status == (answer && elem(answer, 0))
      end)
    end
  end

  test "a body is not waited for, however large it says it is", context do
    unharmed(context, fn ->
      head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 999999999999\r\n\r\n"
      body = String.duplicate("x", 50_000)
      assert {405, _, _} = context.port |> HTTP.send_raw(head <> body) |> HTTP.answer()
    end)
  end

  test "an endless body ends", context do
    unharmed(context, fn ->
      socket = HTTP.send_raw(context.port, "POST / HTTP/1.1\r\nhost: localhost\r\n\r\n")
      assert {:error, _} = pour(socket, String.duplicate("x", 100_000), 1_000)
    end)
  end

  defp pour(_socket, _bytes, 0), do: :it_took_everything

  defp pour(socket, bytes, left) do
    with :ok <- :gen_tcp.send(socket, bytes), do: pour(socket, bytes, left - 1)
  end

  test "who says nothing, or a byte at a time, is sent away in seconds", context do
    unharmed(context, fn ->
      began = System.monotonic_time(:millisecond)
      silent = HTTP.send_raw(context.port, "")
      slow = HTTP.send_raw(context.port, @line)
      spawn_link(fn -> drip(slow, 100) end)
      assert {408, _, _} = HTTP.answer(silent)
      # The clock is that of the whole request: bytes that come do not set it back.
      assert {408, _, _} = HTTP.answer(slow)
      assert System.monotonic_time(:millisecond) - began < 15_000
    end)
  end

  defp drip(_socket, 0), do: :ok

  defp drip(socket, left) do
    Process.sleep(200)
    with :ok <- :gen_tcp.send(socket, "x: y\r\n"), do: drip(socket, left - 1)
  end

  test "who goes away in the middle leaves nothing behind", context do
    unharmed(context, fn ->
      for bytes <- ["", "GE", @line, @line <> "\r\n"], _ <- 1..50 do
        socket = HTTP.send_raw(context.port, bytes)
        :inet.setopts(socket, linger: {true, 0})
        :gen_tcp.close(socket)
      end

      assert eventually(fn -> connections(context.web) == [] end)
    end)
  end

  @tag web: [max_connections: 10]
  test "many that are silent keep nobody out, and are few at any time", context do
    unharmed(context, fn ->
      sockets = for _ <- 1..300, do: HTTP.send_raw(context.port, "GET / HTTP/1.1\r\n")
      assert {200, _, _} = HTTP.get(context.port, "/status.json")
      # At once, and not when they have had their time.
      assert eventually(fn -> length(connections(context.web)) <= 10 end, 3_000)
      Enum.each(sockets, &:gen_tcp.close/1)
    end)
  end

  test "who does not take the answer is not waited for", context do
    unharmed(context, fn ->
      sockets =
        for _ <- 1..20 do
          {:ok, socket} =
            :gen_tcp.connect({127, 0, 0, 1}, context.port, [:binary, active: false, recbuf: 1_024])

          :gen_tcp.send(socket, @line <> "\r\n")
          socket
        end

      assert eventually(fn -> connections(context.web) == [] end)
      Enum.each(sockets, &:gen_tcp.close/1)
    end)
  end

  test "what is killed comes again, and its parent does not mind", context do
    parent = Process.whereis(context.web)

    for _ <- 1..50 do
      for {_, pid, _, _} <- Supervisor.which_children(context.web),
          is_pid(pid),
          do: Process.exit(pid, :kill)
    end

    assert eventually(fn -> is_binary(url(context.web)) end)
    assert {200, _, _} = HTTP.get(HTTP.port(context.web), "/status.json")
    assert Process.whereis(context.web) == parent
  end

  defp url(web) do
    Web.url(web)
  catch
    :exit, _ -> nil
  end
end
