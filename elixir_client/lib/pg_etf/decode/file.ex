defmodule PgEtf.Decode.File do
  @moduledoc false
  # Frames from a file of pg_recvlogical, as PgEtf.Frame.stream_file!/2 reads them.

  alias PgEtf.Decode.Atoms
  alias PgEtf.Frame

  defstruct [:path, :device, :decoder, :chunk_bytes, :max_bytes, buffer: ""]

  @spec stream!(Path.t(), keyword) :: Enumerable.t()
  def stream!(path, opts) do
    {own, opts} = Keyword.split(opts, [:chunk_bytes, :max_bytes])

    reader = %__MODULE__{
      path: path,
      decoder: Frame.decoder(opts),
      chunk_bytes: Keyword.get(own, :chunk_bytes, 1_048_576),
      max_bytes: Keyword.get(own, :max_bytes, 1_073_741_824)
    }

    Stream.resource(
      fn -> %{reader | device: File.open!(path, [:read, :raw, :binary])} end,
      &next/1,
      fn reader -> File.close(reader.device) end
    )
  end

  defp next(%__MODULE__{} = reader) do
    case first_term(reader.buffer) do
      {:ok, term, rest} -> decode(term, %{reader | buffer: rest})
      {:incomplete, buffer} -> read(%{reader | buffer: buffer})
    end
  end

  defp decode(term, reader) do
    case Frame.decode(reader.decoder, term) do
      {:ok, %{prepared: nil, decision: nil} = frame, decoder} ->
        {frame.changes, %{reader | decoder: decoder}}

      # Changes alone would not tell that they may be rolled back.
      {:ok, _prepared, _decoder} ->
        malformed!(reader, "a frame of option \"two_phase\": see PgEtf.Frame.decode/3")

      {:error, reason} ->
        malformed!(reader, reason)
    end
  end

  # Damaged data looks like incomplete data: only the size distinguishes them. Doubling
  # keeps the attempts on one large frame few.
  defp read(%__MODULE__{buffer: buffer} = reader) do
    if byte_size(buffer) > reader.max_bytes do
      malformed!(reader, "damaged: no frame ends within #{reader.max_bytes} bytes")
    end

    case :file.read(reader.device, max(reader.chunk_bytes, byte_size(buffer))) do
      {:ok, bytes} -> {[], %{reader | buffer: buffer <> bytes}}
      :eof when buffer == "" -> {:halt, reader}
      :eof -> malformed!(reader, "ends inside a frame")
      {:error, reason} -> raise File.Error, reason: reason, action: "read", path: reader.path
    end
  end

  # pg_recvlogical ends each frame with a newline.
  defp first_term(<<?\n, rest::binary>>), do: first_term(rest)
  defp first_term(<<>>), do: {:incomplete, ""}

  defp first_term(buffer) do
    case Atoms.read_first(buffer) do
      {:ok, term, rest} -> {:ok, term, rest}
      :error -> {:incomplete, buffer}
    end
  end

  defp malformed!(reader, reason), do: raise(ArgumentError, "#{reader.path}: #{reason}")
end
