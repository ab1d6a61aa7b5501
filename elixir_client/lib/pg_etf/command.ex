defmodule PgEtf.Command do
  @moduledoc """
  A command that created, changed or dropped something in the database, with `ddl: :commands`.

  It arrives as `command` of a `PgEtf.Change` whose `op` is `:ddl`, before what it did to a table
  (`PgEtf.SchemaChange`), in its transaction.

  | field | content |
  |---|---|
  | `tag` | `"CREATE TABLE"`, `"COMMENT"`, `"GRANT"`, `"ALTER TYPE"`, ... |
  | `text` | what the client sent: several commands perhaps, or a call of a function; `""` where the server does not tell, `{:oversized, bytes}` if it is longer than a megabyte |
  | `objects` | what it concerned: `[%{type: "table", identity: "public.orders", oid: 16384}]`. Objects of GRANT have no identity |
  | `user` | the role that ran it |

  Event triggers write the commands, which a superuser creates with `SELECT etf_enable_ddl()`.
  **A hint for people and logs: every role can write one that was never run.** Act on
  `PgEtf.SchemaChange`, which comes from the catalogs.
  """

  @type t :: %__MODULE__{
          tag: PgEtf.Change.name(),
          text: PgEtf.Change.name() | {:oversized, pos_integer},
          objects: [object],
          user: PgEtf.Change.name()
        }

  @type object :: %{
          type: PgEtf.Change.name(),
          identity: PgEtf.Change.name(),
          oid: non_neg_integer
        }

  @enforce_keys [:tag, :text, :objects, :user]
  defstruct [:tag, :text, :objects, :user]

  @doc false
  @spec new(map) :: t
  def new(%{tag: tag, text: text, objects: objects, user: user}) do
    objects =
      for {type, identity, oid} <- objects, do: %{type: type, identity: identity, oid: oid}

    %__MODULE__{tag: tag, text: text, objects: objects, user: user}
  end
end
