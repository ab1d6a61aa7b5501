defmodule PgEtf.Prepared do
  @moduledoc """
  What became of a prepared transaction.

  Passed to `c:PgEtf.Consumer.handle_commit_prepared/2` and
  `c:PgEtf.Consumer.handle_rollback_prepared/2`.

  `gid` is the identifier of PREPARE TRANSACTION; the contents came before, as a
  `PgEtf.Transaction` with the same `gid` in `prepared`. `lsn`, `end_lsn` and `time` are those
  of the decision. There may be none of this `gid`: PostgreSQL before 17.11 and 18.6 reports the
  commit of an empty transaction, and after a crash what was stored is whatever was stored.
  """

  @type t :: %__MODULE__{
          op: :commit | :rollback,
          gid: String.t(),
          xid: non_neg_integer,
          lsn: PgEtf.Lsn.t(),
          end_lsn: PgEtf.Lsn.t(),
          time: DateTime.t() | nil
        }

  @enforce_keys [:op, :gid, :xid, :lsn, :end_lsn, :time]
  defstruct [:op, :gid, :xid, :lsn, :end_lsn, :time]
end
