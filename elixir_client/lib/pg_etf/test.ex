defmodule PgEtf.Test do
  @moduledoc "The earlier name of `PgEtf.Testing`."

  alias PgEtf.Testing

  @doc false
  defdelegate insert(table, record, opts \\ []), to: Testing

  @doc false
  defdelegate update(table, old, record, opts \\ []), to: Testing

  @doc false
  defdelegate delete(table, old, opts \\ []), to: Testing

  @doc false
  defdelegate truncate(tables, opts \\ []), to: Testing

  @doc false
  defdelegate message(prefix, content, opts \\ []), to: Testing, as: :logical_message

  @doc false
  defdelegate transaction(changes, opts \\ []), to: Testing

  @doc false
  defdelegate decision(transaction, op), to: Testing

  @doc false
  defdelegate metadata(data), to: Testing
end
