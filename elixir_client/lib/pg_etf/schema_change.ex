defmodule PgEtf.SchemaChange do
  @moduledoc """
  What a transaction has done to a table itself, with `ddl: :tables`.

  It arrives as `schema_change` of a `PgEtf.Change` whose `op` is `:schema`, before the first
  row that needs it, in the order of the stream.

  | field | content |
  |---|---|
  | `kind` | `:created`, `:dropped`, `:rewritten` or `:altered`. A table that was rewritten may have other values without any row event: `ALTER COLUMN ... TYPE`, a column with a default that is not constant |
  | `before`, `after` | the table, as a `PgEtf.Relation` whose columns also have `number`, `not_null?`, `default?`, `identity?` and `missing`; `nil` for no table |
  | `added`, `dropped` | columns that are new, and that are gone |
  | `renamed` | `[{old, new}]`, columns of another name: a column keeps its number |
  | `retyped` | `[{old, new}]`, columns of another type or modifier |

  `after` is what counts. `before` is what the table was after the change that the stream has
  received before; for a table that it has not met, what the transaction has found: if another
  one changed it and committed meanwhile, `before` may lack that.

  ## Halting

  With `on_schema_change: :halt` a change of a table is the last thing handed out: nothing
  behind it comes before `PgEtf.resume/1`, while the stream stays connected and keeps its slot.
  `:halt_incompatible` does so only where `compatible?/1` is false: the sink has to be adapted
  before it can take the rows. The status in `PgEtf.info/1` is `:halted`, its error has class
  `:schema_change` and says what was done to which table, and so does the log.

  Changes of several tables with no row between them come together. What was handed out before
  may still be handled and acknowledged. The end of the transaction is not passed, so if it is
  restarted, here or on another node, the stream delivers the transaction again, up to the
  change, and halts again. Behind a change where somebody has resumed it does not halt again in
  this process; nor after a restart, with `:schema_store`.

  ## Reading again

  No event tells the values of a `:rewritten` table: `on_rewrite: :backfill` reads it again, as
  `PgEtf.backfill/3` does, behind the change. `on_new_table: :backfill` does so for `:created`,
  which is also what a table is that was renamed or moved, so that `:tables` matches it now.
  Which are read is in `PgEtf.backfills/1`, named after the change. One that has not ended when
  the process does is read to its end with `:schema_store`; without, call `PgEtf.backfill/3`.
  """

  alias PgEtf.Relation
  alias PgEtf.Relation.Column

  @type t :: %__MODULE__{
          kind: :created | :altered | :rewritten | :dropped,
          before: Relation.t() | nil,
          after: Relation.t() | nil,
          added: [Column.t()],
          dropped: [Column.t()],
          renamed: [{Column.t(), Column.t()}],
          retyped: [{Column.t(), Column.t()}]
        }

  @enforce_keys [:kind, :before, :after]
  defstruct [:kind, :before, :after, added: [], dropped: [], renamed: [], retyped: []]

  @doc false
  @spec new(Relation.t() | nil, Relation.t() | nil) :: t
  def new(nil, now), do: %__MODULE__{kind: :created, before: nil, after: now, added: now.columns}

  def new(before, nil) do
    %__MODULE__{kind: :dropped, before: before, after: nil, dropped: before.columns}
  end

  def new(before, now) do
    {old, new} = {by_number(before), by_number(now)}
    both = for {number, column} <- old, is_map_key(new, number), do: {column, new[number]}

    change = %__MODULE__{
      kind: :altered,
      before: before,
      after: now,
      added: for(column <- now.columns, not is_map_key(old, column.number), do: column),
      dropped: for(column <- before.columns, not is_map_key(new, column.number), do: column),
      renamed: for({a, b} <- both, a.name != b.name, do: {a, b}),
      retyped: for({a, b} <- both, type(a) != type(b), do: {a, b})
    }

    if rewritten?(change), do: %{change | kind: :rewritten}, else: change
  end

  defp by_number(relation), do: Map.new(relation.columns, &{&1.number, &1})
  defp type(column), do: {column.type_oid, column.typmod}

  defp rewritten?(%{before: before, after: now} = change) do
    before.filenode != now.filenode and (change.added != [] or change.retyped != [])
  end

  @doc """
  Whether a copy with the old columns can hold the rows of the new ones, once it has them: a
  new table; columns that are new and may be NULL, or whose value in older rows is known;
  a wider `varchar` or `numeric`. Nothing else is, above all no rewritten table.

      iex> column = %PgEtf.Relation.Column{name: "note", type_oid: 25, type: "text", typmod: -1}
      iex> t = %PgEtf.Relation{oid: 1, schema: "public", table: "t", identity: :default, columns: []}
      iex> change = %PgEtf.SchemaChange{kind: :altered, before: t, after: t, added: [column]}
      iex> PgEtf.SchemaChange.compatible?(change)
      true
      iex> PgEtf.SchemaChange.compatible?(%{change | dropped: [column]})
      false
  """
  @spec compatible?(t) :: boolean
  def compatible?(%__MODULE__{kind: :created}), do: true

  def compatible?(%__MODULE__{kind: :altered, dropped: [], renamed: []} = change) do
    same_table?(change) and constraints_kept?(change) and
      Enum.all?(change.added, &(not &1.not_null? or &1.missing != :none)) and
      Enum.all?(change.retyped, fn {old, new} -> wider?(old, new) end)
  end

  def compatible?(%__MODULE__{}), do: false

  defp same_table?(%{before: before, after: now}) do
    {before.schema, before.table, before.identity} == {now.schema, now.table, now.identity}
  end

  # A column that may be NULL now, or another key.
  defp constraints_kept?(%{before: before, after: now}) do
    new = by_number(now)

    Enum.all?(before.columns, fn %Column{number: number} = old ->
      case new do
        %{^number => column} ->
          {old.not_null?, old.key?, old.primary?} ==
            {column.not_null?, column.key?, column.primary?}

        %{} ->
          true
      end
    end)
  end

  defp wider?(%Column{type: type} = old, %Column{type: type} = new) do
    new.typmod == -1 or (old.typmod != -1 and wider?(type, old.typmod - 4, new.typmod - 4))
  end

  defp wider?(_old, _new), do: false

  defp wider?("varchar", old, new), do: new >= old

  # Digits before the point, and behind it.
  defp wider?("numeric", old, new) do
    {digits, scale} = numeric(old)
    {new_digits, new_scale} = numeric(new)
    new_scale >= scale and new_digits - new_scale >= digits - scale
  end

  defp wider?(_type, _old, _new), do: false

  defp numeric(typmod) do
    <<digits::16, _::5, scale::signed-11>> = <<typmod::32>>
    {digits, scale}
  end
end
