defmodule PgEtf.Sql do
  @moduledoc false
  # The least of a database driver: simple queries over a socket, so that a sink can be
  # a real one where no driver is installed. A connection is a socket of its process,
  # and is gone with it. Servers that ask for a password are not for it.

  defmodule Error do
    @moduledoc false
    defexception [:code, :message]
  end

  @integers [20, 21, 23]

  @doc "Connects with what PgEtf.Sandbox.connection/1 tells."
  def connect!(opts) do
    path = Path.join(opts[:socket_dir], ".s.PGSQL.#{opts[:port] || 5432}")
    {:ok, socket} = :gen_tcp.connect({:local, path}, 0, [:binary, active: false])

    names = [user: opts[:username], database: opts[:database]]

    fields =
      for {key, value} <- names ++ Keyword.get(opts, :parameters, []),
          do: [Atom.to_string(key), 0, value, 0]

    packet = IO.iodata_to_binary([<<3::16, 0::16>>, fields, 0])
    :ok = :gen_tcp.send(socket, [<<byte_size(packet) + 4::32>>, packet])
    {:ok, _} = answer(socket, %{rows: nil, num_rows: 0, types: []})
    socket
  end

  @doc "Runs a statement, or several without parameters: the last one's result."
  def query(socket, sql, params \\ []) do
    sql = [bind(sql, params), 0]

    case :gen_tcp.send(socket, [?Q, <<IO.iodata_length(sql) + 4::32>>, sql]) do
      :ok -> answer(socket, %{rows: nil, num_rows: 0, types: []})
      {:error, reason} -> {:error, %Error{message: "connection: #{reason}"}}
    end
  end

  def close(socket), do: :gen_tcp.close(socket)

  defp bind(sql, params) do
    Regex.replace(~r/\$(\d+)/, sql, fn _, n ->
      params |> Enum.at(String.to_integer(n) - 1) |> literal()
    end)
  end

  defp literal(nil), do: "NULL"
  defp literal(value) when is_integer(value), do: Integer.to_string(value)
  defp literal(value) when is_boolean(value), do: Atom.to_string(value)
  defp literal(value), do: "'#{value |> to_string() |> String.replace("'", "''")}'"

  # Up to the server being ready again.
  defp answer(socket, result) do
    with {:ok, <<type, size::32>>} <- :gen_tcp.recv(socket, 5),
         {:ok, body} <- body(socket, size - 4) do
      case packet(type, body, result) do
        :done -> finish(result)
        result -> answer(socket, result)
      end
    else
      {:error, reason} ->
        finish(Map.put_new(result, :error, %Error{message: "connection: #{reason}"}))
    end
  end

  defp body(_socket, 0), do: {:ok, ""}
  defp body(socket, size), do: :gen_tcp.recv(socket, size)

  defp finish(%{error: error}), do: {:error, error}
  defp finish(result), do: {:ok, Map.take(result, [:command, :rows, :num_rows])}

  defp packet(?Z, _status, _result), do: :done
  defp packet(?E, body, result), do: Map.put_new(result, :error, error(body))

  defp packet(?T, <<_::16, columns::binary>>, result),
    do: %{result | rows: [], types: types(columns)}

  defp packet(?D, <<_::16, values::binary>>, result) do
    %{result | rows: [row(values, result.types) | result.rows]}
  end

  defp packet(?C, tag, result) do
    [command | counts] = tag |> String.trim_trailing(<<0>>) |> String.split()
    rows = result.rows && Enum.reverse(result.rows)
    Map.merge(result, %{command: command, rows: rows, num_rows: count(counts)})
  end

  defp packet(_type, _body, result), do: result

  # "INSERT 0 1", "UPDATE 1", "CREATE TABLE"
  defp count(words) do
    case words |> List.last("") |> Integer.parse() do
      {count, ""} -> count
      _ -> 0
    end
  end

  defp types(""), do: []

  defp types(columns) do
    [_name, <<_::48, type::32, _::64, rest::binary>>] = String.split(columns, <<0>>, parts: 2)
    [type | types(rest)]
  end

  defp row("", []), do: []
  defp row(<<-1::signed-32, rest::binary>>, [_ | types]), do: [nil | row(rest, types)]

  defp row(<<size::32, value::binary-size(size), rest::binary>>, [type | types]) do
    value = if type in @integers, do: String.to_integer(value), else: value
    [value | row(rest, types)]
  end

  defp error(body) do
    fields = for <<type, text::binary>> <- String.split(body, <<0>>), into: %{}, do: {type, text}
    %Error{code: fields[?C], message: fields[?M]}
  end
end
