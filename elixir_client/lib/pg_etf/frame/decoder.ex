defmodule PgEtf.Frame.Decoder do
  @moduledoc """
  What has to be remembered from frame to frame: the relations seen so far.
  """

  # None is ever forgotten. Dropped tables are not reported, and an older one
  # of the same name may be back under it (two renames) without being described
  # again, since for the plugin nothing of it has changed.

  alias PgEtf.{Change, Relation, SchemaHistory}
  alias PgEtf.Decode.{Deferred, Shared}

  @type t :: %__MODULE__{
          relations: %{optional(non_neg_integer) => PgEtf.Relation.t()},
          met: [PgEtf.Relation.t()],
          altered: [Change.t()],
          history: SchemaHistory.t(),
          keys: PgEtf.Relation.keys(),
          types?: boolean,
          split?: boolean,
          trace?: boolean,
          headers: PgEtf.Trace.headers(),
          deferred: map | nil,
          head: Deferred.head() | nil,
          shared?: boolean
        }

  # met      relations that were described in the last frame
  # altered  changes of tables themselves in it, the last first
  # history  all of them so far
  # types?   whether changes have the types of their columns
  # trace?   whether a message may say to which trace a transaction belongs
  # headers  what it has said in this transaction
  # deferred the same relations for PgEtf.Decode.Deferred; nil where rows are finished at once
  # head     what the rows of this frame have in common, for those
  # shared?  only of tables that are shared
  defstruct relations: %{},
            met: [],
            altered: [],
            history: %SchemaHistory{},
            keys: :strings,
            types?: false,
            split?: false,
            trace?: false,
            headers: [],
            deferred: nil,
            head: nil,
            shared?: false

  @doc false
  @spec describe(t, Relation.t(), tuple) :: t
  def describe(%__MODULE__{} = decoder, %Relation{oid: oid} = relation, event) do
    {_, relation} = Shared.share(relation)
    relations = Map.put(decoder.relations, oid, relation)
    defer(%{decoder | relations: relations, met: [relation | decoder.met]}, relation, event)
  end

  defp defer(%{deferred: nil} = decoder, _relation, _event), do: decoder

  defp defer(%{deferred: tables} = decoder, %{oid: oid} = relation, event) do
    case event |> Deferred.table(relation, decoder.types?) |> Shared.share() do
      {false, _table} when decoder.shared? -> %{decoder | deferred: Map.delete(tables, oid)}
      {_, table} -> %{decoder | deferred: Map.put(tables, oid, table)}
    end
  end

  @doc false
  # A change of a table, from what the table was before, to remember.
  @spec alter(t, Change.t()) :: {Change.t(), t}
  def alter(%__MODULE__{history: history} = decoder, %Change{op: :schema} = change) do
    change = SchemaHistory.since_last(history, change)
    history = SchemaHistory.put(history, change)
    {change, %{decoder | history: history, altered: [change | decoder.altered]}}
  end

  def alter(decoder, change), do: {change, decoder}

  @doc false
  @spec begin_frame(t, Deferred.head()) :: t
  def begin_frame(%__MODULE__{deferred: nil, met: [], altered: []} = decoder, _head), do: decoder
  def begin_frame(decoder, head), do: %{decoder | met: [], altered: [], head: head}

  @doc false
  @spec put_headers(t, PgEtf.Trace.headers()) :: t
  def put_headers(decoder, headers) do
    %{decoder | headers: headers, head: Deferred.put_headers(decoder.head, headers)}
  end
end
