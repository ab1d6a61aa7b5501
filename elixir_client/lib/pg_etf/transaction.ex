defmodule PgEtf.Transaction do
  @moduledoc """
  A committed transaction, or a part of a large one.

  Delivered instead of single changes with `unit: :transaction`, and to
  `c:PgEtf.Consumer.handle_transaction/2`.

  `part` is `:whole` for a transaction that arrives in one piece. One with more
  changes than `max_transaction_changes` arrives as `:first`, any number of
  `:middle` and one `:last`, in this order, so that memory stays bounded however
  large it is; only when the last part is acknowledged does the position move.
  `:last` may have no changes. `first_index` is the index of the first change here.

  A logical message outside of transactions comes as a transaction of its own, whose
  `xid` and `commit_time` are `nil`.
  """

  alias PgEtf.Change

  @type part :: :whole | :first | :middle | :last

  @type t :: %__MODULE__{
          xid: non_neg_integer | nil,
          commit_lsn: PgEtf.Lsn.t(),
          end_lsn: PgEtf.Lsn.t(),
          commit_time: DateTime.t() | nil,
          part: part,
          first_index: non_neg_integer,
          origin: String.t() | nil,
          changes: [Change.t()]
        }

  @enforce_keys [:xid, :commit_lsn, :end_lsn, :commit_time]
  defstruct [
    :xid,
    :commit_lsn,
    :end_lsn,
    :commit_time,
    :origin,
    part: :whole,
    first_index: 0,
    changes: []
  ]
end
