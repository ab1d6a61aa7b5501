defmodule PgEtf.SQLError do
  @moduledoc """
  An error that a function called from SQL raises with a SQLSTATE of its own.

      raise PgEtf.SQLError,
        code: "23514",
        message: "the price of item 42 is negative",
        hint: "Correct the item's base price."

  Any other exception arrives with the code 38000. The code has five characters, digits
  and capital letters, and is not of class `00` (success).
  """

  defexception code: "38000", message: "", detail: "", hint: ""

  @type t :: %__MODULE__{
          code: String.t(),
          message: String.t(),
          detail: String.t(),
          hint: String.t()
        }
end
