defmodule PgEtf.Frame.Decoder do
  @moduledoc """
  What has to be remembered from frame to frame: the relations met so far.
  """

  # None is ever forgotten. A table that was dropped is not told of, and an older one
  # of the same name may be back under it (two renames) without being described
  # again, since for the plugin nothing of it has changed.

  @type t :: %__MODULE__{
          relations: %{optional(non_neg_integer) => PgEtf.Relation.t()},
          met: [PgEtf.Relation.t()],
          keys: PgEtf.Relation.keys(),
          split?: boolean
        }

  # met  relations that were described in the last frame
  defstruct relations: %{}, met: [], keys: :strings, split?: false
end
