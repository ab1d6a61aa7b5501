defmodule PgEtf.Decode.Type.Network do
  @moduledoc false
  # Addresses: inet and cidr, macaddr and macaddr8, as the structs of Postgrex.

  @behaviour PgEtf.Decode.Type.Family

  @impl true
  def oids do
    [
      inet: {869, 1041},
      inet: {650, 651},
      macaddr: {829, 1040},
      macaddr: {774, 775}
    ]
  end

  @impl true
  def finisher(:inet, _typmod), do: &inet/1
  def finisher(:macaddr, _typmod), do: &macaddr/1

  defp inet({<<a, b, c, d>>, netmask}), do: inet({a, b, c, d}, netmask)

  defp inet({<<a::16, b::16, c::16, d::16, e::16, f::16, g::16, h::16>>, netmask}) do
    inet({a, b, c, d, e, f, g, h}, netmask)
  end

  defp inet(other), do: other

  defp inet(address, netmask) do
    %{__struct__: Postgrex.INET, address: address, netmask: netmask}
  end

  defp macaddr(bytes) when byte_size(bytes) in [6, 8] do
    %{__struct__: Postgrex.MACADDR, address: List.to_tuple(:binary.bin_to_list(bytes))}
  end

  defp macaddr(other), do: other
end
