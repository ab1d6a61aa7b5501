defmodule PgEtf.Log do
  @moduledoc false
  # What the log says of a stream.

  alias PgEtf.Telemetry

  @doc "What the log calls the stream."
  @spec label(keyword) :: String.t()
  def label(opts), do: "PgEtf #{inspect(Telemetry.name(opts))} (slot #{opts[:slot]})"
end
