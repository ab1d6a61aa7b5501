defmodule PgEtf.Sidecar.Reply do
  @moduledoc false
  # How the process of a call answers: by itself, on the socket of its connection.
  # That saves a message and a turn of the connection's process.

  alias PgEtf.Sidecar.Failure

  @enforce_keys [:socket, :connection, :id, :max_bytes]
  defstruct [:socket, :connection, :id, :max_bytes]

  @type t :: %__MODULE__{
          socket: :gen_tcp.socket(),
          connection: pid,
          id: integer,
          max_bytes: pos_integer
        }

  @key {PgEtf.Sidecar, :reply}

  @doc "Lets notice/2 find its way, in the process of the call."
  @spec remember(t) :: :ok
  def remember(reply) do
    Process.put(@key, reply)
    :ok
  end

  @doc """
  The last packet. The connection hears of it first: when the backend's next request
  arrives there, it is free again.
  """
  @spec finish(t, String.t(), {:ok, term} | {:error, Failure.t()}) :: :ok
  def finish(reply, function, result) do
    packet = encode(reply, function, result)
    Process.unlink(reply.connection)
    send(reply.connection, {:done, self()})
    transmit(reply, packet)
  end

  @doc "Rows of a set. Waits until the backend asks for more."
  @spec rows(t, [term], String.t()) :: :ok | {:error, Failure.t()}
  def rows(reply, rows, function) do
    packet = :erlang.term_to_binary({reply.id, :more, rows})

    if byte_size(packet) > reply.max_bytes do
      {:error, Failure.too_large(function, byte_size(packet), reply.max_bytes)}
    else
      transmit(reply, packet)
      await_more(reply.id)
    end
  end

  @doc "Outside of a synchronous call it goes nowhere."
  @spec notice(atom, String.t()) :: :ok
  def notice(level, text) do
    with %__MODULE__{} = reply <- Process.get(@key) do
      transmit(reply, :erlang.term_to_binary({reply.id, :notice, level, Failure.text(text)}))
    end

    :ok
  end

  # The connection kills this process when the backend goes away.
  defp await_more(id) do
    receive do
      {PgEtf.Sidecar, packet} ->
        case :erlang.binary_to_term(packet, [:safe]) do
          {:more, ^id} -> :ok
          _ -> exit(:protocol)
        end
    end
  end

  defp encode(reply, function, {:ok, value}) do
    packet = :erlang.term_to_binary({reply.id, :ok, value})

    if byte_size(packet) > reply.max_bytes do
      failure = Failure.too_large(function, byte_size(packet), reply.max_bytes)
      :erlang.term_to_binary(Failure.to_answer(failure, reply.id))
    else
      packet
    end
  end

  defp encode(reply, _function, {:error, failure}) do
    :erlang.term_to_binary(Failure.to_answer(failure, reply.id))
  end

  # A backend that has gone needs no answer.
  defp transmit(reply, packet) do
    _ = :gen_tcp.send(reply.socket, packet)
    :ok
  end
end
