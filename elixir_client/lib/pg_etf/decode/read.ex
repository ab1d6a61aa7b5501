defmodule PgEtf.Decode.Read do
  @moduledoc false
  # Rows that were read from a table, not from the WAL: see docs/protocol.md.
  #
  # Each range describes its table first, as the snapshot that it was read with sees it. At
  # the stream's position the table may be another one, so a range needs a decoder of its
  # own, which ends with it.

  alias PgEtf.{Change, Relation}
  alias PgEtf.Decode.{Event, Malformed}
  alias PgEtf.Frame.Decoder

  import Malformed, only: [malformed: 1, preview: 1]

  @doc "The rows of a frame, in which the given change has all but the row."
  @spec decode(Decoder.t(), term, Change.t()) ::
          {:ok, [Change.t()], Decoder.t()} | {:error, String.t()}
  def decode(%Decoder{} = decoder, {:read, _tag, count, events}, template) do
    Malformed.catching(fn ->
      {changes, decoder} = Enum.flat_map_reduce(events, decoder, &event(&1, &2, template))
      if length(changes) != count, do: malformed("a frame of another number of rows than it says")
      {:ok, changes, decoder}
    end)
  end

  def decode(_decoder, other, _template) do
    {:error, "a frame of rows that are read was expected: #{preview(other)}"}
  end

  defp event({:read, oid, row}, decoder, template) do
    change = Event.change({:insert, oid, row}, template, nil, decoder.relations)
    {[%{change | op: :read}], decoder}
  end

  defp event({:relation, oid, _, _, _, _} = event, decoder, _template) do
    relation = Relation.new(event, decoder.keys, decoder.types?)
    relations = Map.put(decoder.relations, oid, relation)
    {[], %{decoder | relations: relations, met: [relation | decoder.met]}}
  end

  defp event(other, _decoder, _template) do
    malformed("an event of an unknown kind: #{preview(other)}")
  end
end
