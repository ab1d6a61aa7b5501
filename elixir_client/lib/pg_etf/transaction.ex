defmodule PgEtf.Transaction do
  @moduledoc """
  A transaction, or a part of a large one: committed, or with `prepared` prepared.

  Delivered instead of single changes with `unit: :transaction`, and to
  `c:PgEtf.Consumer.handle_transaction/2`.

  `part` is `:whole` for a transaction that arrives in one piece. One with more changes than
  `max_transaction_changes` arrives as `:first`, any number of `:middle` and one `:last`, in
  this order, so that memory stays bounded however large it is; the position only advances
  once the last part is acknowledged. `:last` may have no changes. `first_index` is the
  index of the first change in this part.

  `headers` has the trace that the transaction belongs to, see `PgEtf.Trace`.

  `end_lsn` is `nil` in `:first` and `:middle` where the server does not tell it before the
  commit (`plugin: :pgoutput`).

  `prepared` is `nil`, except in what `c:PgEtf.Consumer.handle_prepare/2` receives: there it is
  the identifier of PREPARE TRANSACTION, and `commit_lsn`, `end_lsn` and `commit_time` are those
  of the preparation. Such a transaction is not committed.

  `backfill` is `nil`, except in what is no transaction but rows that were read from a table: a
  chunk of a backfill or snapshot, `%{id: id, chunk: number}`, whose `xid`, `commit_time` and
  `end_lsn` are `nil` and whose changes are `:read`s. With `backfill_store: {load, save}` and in
  mode `:incremental` the last part has `state`, too: what `load` has to return for `id` from
  then on, for sinks that store it together with the rows. It comes in parts like a large
  transaction; `commit_lsn` is the place of all its rows, and a number of a chunk means
  nothing to another run of the stream. Parts of chunks that are read at the same time can
  alternate.

  A logical message outside of transactions is delivered as a transaction of its own, whose
  `xid` and `commit_time` are `nil`.
  """

  alias PgEtf.Change

  @type part :: :whole | :first | :middle | :last

  @type t :: %__MODULE__{
          xid: non_neg_integer | nil,
          commit_lsn: PgEtf.Lsn.t(),
          end_lsn: PgEtf.Lsn.t() | nil,
          commit_time: DateTime.t() | nil,
          part: part,
          first_index: non_neg_integer,
          origin: String.t() | nil,
          headers: PgEtf.Trace.headers(),
          prepared: String.t() | nil,
          backfill:
            %{
              required(:id) => String.t(),
              required(:chunk) => non_neg_integer,
              optional(:state) => binary
            }
            | nil,
          changes: [Change.t()]
        }

  @enforce_keys [:xid, :commit_lsn, :end_lsn, :commit_time]
  defstruct [
    :xid,
    :commit_lsn,
    :end_lsn,
    :commit_time,
    :origin,
    :prepared,
    :backfill,
    part: :whole,
    first_index: 0,
    headers: [],
    changes: []
  ]
end
