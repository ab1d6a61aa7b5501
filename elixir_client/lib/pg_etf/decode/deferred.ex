defmodule PgEtf.Decode.Deferred do
  @moduledoc false
  # The change of a row whose values are as they came, for an owner of a stream that hands it
  # on: what finishes rows is more than what else a reader does with them, and as terms they
  # are a third of the bytes. A table goes with each row: within a node as a term that is
  # shared (PgEtf.Decode.Shared), to others once (PgEtf.Fanout.Rows).
  #
  # What is no row of a known table and width is not deferred. A value that cannot be finished,
  # which no server sends, is found where it is finished, and fails its message.

  alias PgEtf.{Change, Relation, Transaction}
  alias PgEtf.Decode.{Event, Row}
  alias PgEtf.Decode.Type.Temporal
  alias __MODULE__

  # head   what all changes of the transaction have, with the time as it came: a DateTime and
  #        its parts have three times as many words as the rest
  # table  its PgEtf.Decode.Deferred.Table
  @enforce_keys [:event, :index, :head, :table]
  defstruct [:event, :index, :head, :table, last?: false]

  @type t :: %Deferred{}
  @type tables :: %{optional(oid :: non_neg_integer) => __MODULE__.Table.t()}

  @typedoc "Place, transaction, commit time (as microseconds here), origin and headers."
  @type head :: tuple

  @typedoc "The last head, and the change that has it and nothing else."
  @type heads :: {head, Change.t()} | nil

  @typedoc "A relation event, the names of its columns in rows, and whether types are wanted."
  @type description :: {tuple, [Row.name()], boolean}

  # relations  this one by its oid
  # key        a plan that has but the columns of the key; nil without a key
  defmodule Table do
    @moduledoc false
    defstruct [:relation, :relations, :description, :key]
    @type t :: %__MODULE__{}
  end

  @doc "A table, as an event has described it, and a relation was made of that."
  @spec table(tuple, Relation.t(), boolean) :: Table.t()
  def table(event, %Relation{row: {width, columns}} = relation, types?) do
    names = for {_position, name, _finisher} <- List.keysort(columns, 0), do: name
    key = for {_, name, _} = column <- columns, name in relation.key_names, do: column

    %Table{
      relation: relation,
      relations: %{relation.oid => relation},
      description: {event, names, types?},
      key: if(key != [], do: {width, key})
    }
  end

  @doc "The table of a description, which may be of another node."
  @spec relation(description) :: Relation.t()
  def relation({event, names, types?}), do: Relation.new(event, {:names, names}, types?)

  @doc "A change of a row for later; nil for any other event."
  @spec new(tuple, head, non_neg_integer, tables) :: t | nil
  def new(event, head, index, tables) do
    with %{relation: relation} = table <- row_of(event, tables),
         true <- fits?(event, relation) do
      %Deferred{event: event, index: index, head: head, table: table}
    else
      _ -> nil
    end
  end

  defp row_of(event, tables) when elem(event, 0) in [:insert, :update, :delete] do
    Map.get(tables, elem(event, 1))
  end

  defp row_of(_event, _tables), do: nil

  defp fits?({:insert, _oid, new}, relation), do: row?(new, relation)
  defp fits?({:delete, _oid, old}, relation), do: old?(old, relation)

  defp fits?({:update, _oid, old, new}, relation) do
    row?(new, relation) and (old in [nil, :none] or old?(old, relation))
  end

  defp fits?(_event, _relation), do: false

  defp row?(row, %Relation{row: {width, _}}), do: is_tuple(row) and tuple_size(row) == width

  defp old?({:full, row}, relation), do: row?(row, relation)

  defp old?({:key, row}, %Relation{key_row: {width, _}} = relation) do
    (is_tuple(row) and tuple_size(row) == width) or row?(row, relation)
  end

  defp old?(_other, _relation), do: false

  # A row behind one that has the same head, in half the words.
  @typep headless ::
           {event :: tuple, index :: non_neg_integer, __MODULE__.Table.t(), last? :: boolean}

  @doc "What is handed out, to be sent: rows of a transaction have a head once."
  @spec pack(data) :: data when data: term
  def pack(%Transaction{changes: [%Deferred{} | _] = changes} = transaction) do
    {changes, _head} = Enum.map_reduce(changes, nil, &behead/2)
    %{transaction | changes: changes}
  end

  def pack(data), do: data

  defp behead(%Deferred{head: head} = row, head),
    do: {{row.event, row.index, row.table, row.last?}, head}

  defp behead(%Deferred{head: head} = row, _other), do: {row, head}
  defp behead(change, head), do: {change, head}

  @doc "The same, finished, whether it was sent or not; as is what there is nothing to finish in."
  @spec finish(t | data) :: Change.t() | data when data: term
  def finish(data), do: data |> finish(nil) |> elem(0)

  @doc "The same of one after the other: a head that several have is looked at once."
  @spec finish(t | headless | data, heads) :: {Change.t() | data, heads} when data: term
  def finish({event, index, %Table{} = table, last?}, {_head, template} = heads),
    do: {change(event, index, table, last?, template), heads}

  def finish(%Deferred{head: head} = row, {head, template} = heads),
    do: {change(row.event, row.index, row.table, row.last?, template), heads}

  def finish(%Deferred{head: head} = row, _heads), do: finish(row, {head, template(head)})

  def finish(%Transaction{changes: changes} = transaction, heads) do
    {changes, heads} = Enum.map_reduce(changes, heads, &finish/2)
    {%{transaction | changes: changes}, heads}
  end

  def finish(data, heads), do: {data, heads}

  defp change(event, index, table, last?, template) do
    change = Event.change(event, template, index, table.relations)
    if last?, do: %{change | last?: true}, else: change
  end

  @doc "What all changes of a transaction have, of one that has the same and its time."
  @spec head(Change.t(), microseconds :: integer) :: head
  def head(%Change{} = change, time) do
    {change.commit_lsn, change.end_lsn, change.xid, time, change.origin, change.headers}
  end

  @spec put_headers(head | nil, PgEtf.Trace.headers()) :: head | nil
  def put_headers(nil, _headers), do: nil
  def put_headers(head, headers), do: put_elem(head, 5, headers)

  @doc "With the time as users see it, which is how it goes to other nodes."
  @spec put_time(head) :: head
  def put_time(head), do: put_elem(head, 3, Temporal.timestamptz(elem(head, 3), 6))

  @doc "A change that has it, with its time as users see it, and nothing else."
  @spec template(head) :: Change.t()
  def template({commit_lsn, end_lsn, xid, commit_time, origin, headers}) do
    %Change{
      op: nil,
      index: nil,
      commit_lsn: commit_lsn,
      end_lsn: end_lsn,
      xid: xid,
      commit_time: Temporal.timestamptz(commit_time, 6),
      origin: origin,
      headers: headers
    }
  end

  @doc "The index behind it."
  @spec next_index(t | Change.t()) :: non_neg_integer
  def next_index(%Deferred{index: index}), do: index + 1
  def next_index(change), do: Change.next_index(change)

  @doc "The number of PgEtf.partition_by/1, for which the key alone is finished."
  @spec partition_by(t | Change.t()) :: non_neg_integer
  def partition_by(%Deferred{event: event, table: %Table{key: plan} = table}) do
    %{relation: relation} = table
    Change.partition(relation.schema, relation.table, key(event, plan, relation))
  end

  def partition_by(change), do: PgEtf.partition_by(change)

  defp key(_event, nil, _relation), do: nil
  defp key({:insert, _oid, new}, plan, _relation), do: columns(new, plan)
  defp key({:delete, _oid, old}, plan, relation), do: old_key(old, plan, relation)
  defp key({:update, _oid, {_, _} = old, _}, plan, relation), do: old_key(old, plan, relation)
  defp key({:update, _oid, _none, new}, plan, _relation), do: columns(new, plan)

  defp old_key({:key, row}, _plan, %Relation{key_row: {width, _} = plan})
       when tuple_size(row) == width,
       do: columns(row, plan)

  defp old_key({_kind, row}, plan, _relation), do: columns(row, plan)

  defp columns(row, plan), do: row |> Row.finish(plan) |> elem(0)
end
