defmodule PgEtf.Ecto.LoadError do
  @moduledoc """
  A row does not fit a schema of Ecto. The value is not in the message, which ends up in
  logs.
  """

  @type t :: %__MODULE__{schema: module, field: atom, type: term}

  defexception [:schema, :field, :type]

  @impl true
  def message(%{schema: schema, field: field, type: type}) do
    "#{inspect(schema)}: field #{field} has a value that is no #{inspect(type)}"
  end
end
