defmodule PgEtf.Decode.Read do
  @moduledoc false
  # Rows that were read from a table, not from the WAL: see docs/protocol.md.
  #
  # Each range describes its table first, as the snapshot that it was read with sees it. At
  # the stream's position the table may be another one, so a range needs a decoder of its
  # own, which ends with it.

  alias PgEtf.{Change, Relation}
  alias PgEtf.Decode.{Event, Malformed, Shared}
  alias PgEtf.Frame.Decoder

  import Malformed, only: [malformed: 1, preview: 1]

  @doc "The rows of a frame, in which the given change has all but the row."
  @spec decode(Decoder.t(), term, Change.t()) ::
          {:ok, [Change.t()], Decoder.t()} | {:error, String.t()}
  def decode(%Decoder{} = decoder, {:read, _tag, count, events}, template) do
    Malformed.catching(fn ->
      {changes, decoder} = events(events, decoder, %{template | op: :read}, [])
      if length(changes) != count, do: malformed("a frame of another number of rows than it says")
      {:ok, changes, decoder}
    end)
  end

  def decode(_decoder, other, _template) do
    {:error, "a frame of rows that are read was expected: #{preview(other)}"}
  end

  # Rows come in runs of one table, so what they share is put together once.
  defp events([{:read, oid, _} | _] = events, decoder, template, changes) do
    relation = Event.fetch!(decoder.relations, oid)
    %Relation{schema: schema, table: table, types: types} = relation
    template = %{template | schema: schema, table: table, types: types}
    {events, changes} = rows(events, oid, relation, template, changes)
    events(events, decoder, template, changes)
  end

  defp events([{:relation, oid, _, _, _, _} = event | events], decoder, template, changes) do
    {_, relation} = event |> Relation.new(decoder.keys, decoder.types?) |> Shared.share()
    relations = Map.put(decoder.relations, oid, relation)
    decoder = %{decoder | relations: relations, met: [relation | decoder.met]}
    events(events, decoder, template, changes)
  end

  defp events([], decoder, _template, changes), do: {:lists.reverse(changes), decoder}

  defp events([other | _], _decoder, _template, _changes) do
    malformed("an event of an unknown kind: #{preview(other)}")
  end

  defp rows([{:read, oid, row} | events], oid, relation, template, changes) do
    rows(events, oid, relation, template, [Event.read(row, template, relation) | changes])
  end

  defp rows(events, _oid, _relation, _template, changes), do: {events, changes}
end
