defmodule PgEtf.Repo do
  @moduledoc false
  # What a sink uses of an Ecto repository, for tests without Ecto: query, transaction,
  # rollback, with one connection for each process that asks. Where it connects is told
  # to the node by start/1.

  alias PgEtf.Sql

  def start(connection), do: :persistent_term.put(__MODULE__, connection)

  def query(sql, params \\ []) do
    with {:error, %Sql.Error{code: nil}} = lost <- Sql.query(connection(), sql, params) do
      disconnect()
      lost
    end
  end

  def query!(sql, params \\ []) do
    case query(sql, params) do
      {:ok, result} -> result
      {:error, error} -> raise error
    end
  end

  def transaction(fun) do
    query!("BEGIN")

    try do
      fun.()
    catch
      {:rollback, reason} ->
        query("ROLLBACK")
        {:error, reason}

      kind, reason ->
        query("ROLLBACK")
        :erlang.raise(kind, reason, __STACKTRACE__)
    else
      result -> commit(result)
    end
  end

  # Of a transaction with a failed statement the server makes a rollback.
  defp commit(result) do
    case query("COMMIT") do
      {:ok, %{command: "COMMIT"}} -> {:ok, result}
      {:ok, _} -> {:error, :rollback}
      {:error, error} -> {:error, error}
    end
  end

  def rollback(reason), do: throw({:rollback, reason})

  defp connection do
    with nil <- Process.get(__MODULE__) do
      socket = Sql.connect!(:persistent_term.get(__MODULE__))
      Process.put(__MODULE__, socket)
      socket
    end
  end

  defp disconnect do
    if socket = Process.delete(__MODULE__), do: Sql.close(socket)
  end
end
