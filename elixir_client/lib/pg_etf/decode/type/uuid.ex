defmodule PgEtf.Decode.Type.Uuid do
  @moduledoc false
  # uuid: 16 bytes, as the text that Ecto and PostgreSQL write.

  @behaviour PgEtf.Decode.Type.Family

  @impl true
  def oids, do: [uuid: {2950, 2951}]

  @impl true
  def finisher(:uuid, _typmod), do: &uuid/1

  defp uuid(<<_::16-bytes>> = bytes) do
    <<a::8-bytes, b::4-bytes, c::4-bytes, d::4-bytes, e::12-bytes>> =
      Base.encode16(bytes, case: :lower)

    <<a::binary, ?-, b::binary, ?-, c::binary, ?-, d::binary, ?-, e::binary>>
  end

  defp uuid(other), do: other
end
