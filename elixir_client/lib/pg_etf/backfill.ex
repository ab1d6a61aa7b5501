defmodule PgEtf.Backfill do
  @moduledoc """
  Tables that are read beside the stream: `PgEtf.backfills/1`.

  `PgEtf.backfill/3` reads tables again while the stream goes on, the option `snapshot` of
  `PgEtf.Producer` reads what was there before the stream. Each row arrives as a
  `PgEtf.Change` whose `op` is `:read`, in its place in the order of the stream: see
  `docs/snapshots.md`.

  | field | content |
  |---|---|
  | `id` | its name: `"snapshot"` is that of the option |
  | `mode` | `:exact` or `:incremental` |
  | `status` | `:waiting` (asked for, and not begun), `:running`, `:paused`, `:finished`, `:stopped` or `:failed` |
  | `tables`, `tables_done` | how many tables there are, and how many are read |
  | `table` | the one of which the program told last; what follows is about it |
  | `rows`, `bytes` | what is read of it |
  | `estimate` | how many rows it has, about |
  | `rate`, `eta` | rows a second, and the seconds that are left; 0 if unknown |
  | `error` | a `PgEtf.Error`: why it failed, or why a table could not be read and is tried again |
  """

  @type id :: String.t()

  @type t :: %__MODULE__{
          id: id,
          mode: :exact | :incremental,
          status: :waiting | :running | :paused | :finished | :stopped | :failed,
          tables: non_neg_integer | nil,
          tables_done: non_neg_integer,
          table: String.t() | nil,
          rows: non_neg_integer,
          bytes: non_neg_integer,
          estimate: non_neg_integer | nil,
          rate: non_neg_integer,
          eta: non_neg_integer,
          error: PgEtf.Error.t() | nil
        }

  @enforce_keys [:id, :mode]
  defstruct [
    :id,
    :mode,
    :tables,
    :table,
    :estimate,
    :error,
    status: :waiting,
    tables_done: 0,
    rows: 0,
    bytes: 0,
    rate: 0,
    eta: 0
  ]
end
