defmodule PgEtf.Outbox.Event do
  @moduledoc """
  An event of `PgEtf.Outbox`.

  `id` is its place in the WAL as text, unique and the same at each delivery: see
  `PgEtf.message_id/1`. `payload` and `headers` are those of `PgEtf.Outbox.emit/4`.
  """

  @type t :: %__MODULE__{
          id: String.t(),
          topic: String.t(),
          payload: term,
          headers: PgEtf.Trace.headers(),
          commit_lsn: PgEtf.Lsn.t(),
          index: non_neg_integer,
          commit_time: DateTime.t() | nil,
          change: PgEtf.Change.t()
        }

  @enforce_keys [:id, :topic, :payload]
  defstruct [:id, :topic, :payload, :commit_lsn, :index, :commit_time, :change, headers: []]
end
