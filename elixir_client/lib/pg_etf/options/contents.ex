defmodule PgEtf.Options.Contents do
  @moduledoc false
  # The options that say what is read: tables, columns, kinds of changes. As the others in
  # PgEtf.Options.Schema.

  @patterns "each a `schema.table` pattern, in which `*` stands for any characters " <>
              "and a backslash takes the special meaning from the next one"

  @all [
    tables: [
      type: {:list, :string},
      default: [],
      doc: "the tables to read, #{@patterns}. None means all."
    ],
    exclude_tables: [
      type: {:list, :string},
      default: [],
      doc: "tables to skip, written like `:tables`."
    ],
    include_columns: [
      type: {:list, :string},
      default: [],
      doc:
        "the columns to read, as `\"schema.table.column\"` patterns like those of " <>
          "`:tables`. None means all; those of the replica identity always come."
    ],
    exclude_columns: [
      type: {:list, :string},
      default: [],
      doc: "columns to leave out, written like `:include_columns`."
    ],
    mask_columns: [
      type: {:list, :string},
      default: [],
      doc:
        "columns whose values do not leave the server as they are: " <>
          "`[\"public.users.email:hash\", \"*.*.phone:keep(-4)\"]`. Masks are `hash`, " <>
          "`keep(n)`, `trunc(n)`, `fixed(text)` and `null`, see `docs/options.md`."
    ],
    ddl: [
      type: {:in, [:off, :tables, :commands]},
      default: :off,
      doc:
        "`:tables`: what a transaction does to the definition of tables comes as a " <>
          "`PgEtf.Change` whose `op` is `:schema`, see `PgEtf.SchemaChange`. `:commands`: the " <>
          "commands as well, whose `op` is `:ddl`, see `PgEtf.Command`."
    ],
    on_schema_change: [
      type: {:in, [:continue, :halt, :halt_incompatible]},
      default: :continue,
      doc:
        "with `:ddl`, `:halt` delivers nothing behind a change of a table before " <>
          "`PgEtf.resume/1`; `:halt_incompatible` only where " <>
          "`PgEtf.SchemaChange.compatible?/1` says that a copy cannot take it. See " <>
          "\"Halting\" in `PgEtf.SchemaChange`."
    ],
    on_rewrite: [
      type: {:in, [:nothing, :backfill]},
      default: :nothing,
      doc:
        "with `:ddl`, `:backfill` reads a table again that was rewritten, so that its rows may " <>
          "have other values without an event: as `PgEtf.backfill/3` does, behind the change."
    ],
    on_new_table: [
      type: {:in, [:nothing, :backfill]},
      default: :nothing,
      doc:
        "with `:ddl`, `:backfill` reads a table that has come into sight. Rows of one that was " <>
          "created are in the stream anyway; those of one that was renamed or moved, so that " <>
          "`:tables` matches it, are not."
    ],
    schema_store: [
      type: {:or, [nil, {:pair, {:fun, 0}, {:fun, 1}}]},
      default: nil,
      doc:
        "with `:ddl`, `{load, save}`: `save` is called with a binary whenever a table has " <>
          "changed, before that is delivered, and `load` returns the last one, or `nil`, at the " <>
          "start. Then `PgEtf.schema/3` knows what happened before, and a stream that was " <>
          "resumed behind a change does not halt there again after a restart, and a table that " <>
          "is being read because of one is read to its end."
    ],
    updates: [
      type: {:in, [:full, :changed]},
      default: :full,
      doc:
        "`:changed`: under REPLICA IDENTITY FULL an update only carries the columns that " <>
          "differ. `record` is completed from the old row; `changed` of a `PgEtf.Change` " <>
          "has their names."
    ],
    skip_unchanged: [
      type: :boolean,
      default: false,
      doc: "under REPLICA IDENTITY FULL, leave out updates that change nothing."
    ],
    actions: [
      type: {:list, {:in, [:insert, :update, :delete, :truncate]}},
      default: [:insert, :update, :delete, :truncate],
      doc: "the kinds of changes to read."
    ],
    messages: [
      type: {:or, [:boolean, {:list, :string}]},
      default: false,
      doc: "logical messages: all of them, or those with one of the given prefixes."
    ],
    traceparent: [
      type: :boolean,
      default: false,
      doc:
        "whether to take the trace that a transaction belongs to from a logical message in " <>
          "it, see `PgEtf.Trace`."
    ],
    types: [
      type: :boolean,
      default: false,
      doc:
        "whether changes have the types of their columns (`types` of a `PgEtf.Change`), for " <>
          "code that converts values, such as `PgEtf.Debezium`."
    ],
    origin: [
      type: {:in, [:any, :none]},
      default: :any,
      doc: "`:none` skips changes that were replicated from another server."
    ],
    plugin_options: [
      type: :map,
      default: %{},
      doc: "further options of the output plugin, a map of strings to strings."
    ]
  ]

  @spec all() :: keyword(keyword)
  def all, do: @all
end
