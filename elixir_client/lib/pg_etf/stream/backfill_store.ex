defmodule PgEtf.Stream.BackfillStore do
  @moduledoc false
  # What is kept of backfills by the functions of option `backfill_store`: of each, what was
  # asked for and what the program says is done of it, so that it goes on in another life of
  # the node.

  alias PgEtf.{Backfill, Error}
  alias PgEtf.Stream.Callback

  @version 1
  # Of the connection: it is given again, or comes from libpq's sources.
  @secrets ~w(password sslpassword oauth_client_secret scram_client_key scram_server_key)

  @type kept :: %{optional(Backfill.id()) => {request :: map, state :: binary}}

  @doc "All that is kept."
  @spec load(keyword) :: {:ok, kept} | {:error, Error.t()}
  def load(opts) do
    case opts[:backfill_store] do
      :server -> {:ok, %{}}
      {load, _save} -> call(opts, load, [], &read/1)
    end
  end

  defp read(stored) do
    for {id, binary} <- stored, into: %{} do
      {@version, request, state} = :erlang.binary_to_term(binary, [:safe])
      {id, {request, state}}
    end
  end

  @doc "Keeps what is done of one."
  @spec save(keyword, Backfill.id(), map, binary) :: :ok | {:error, Error.t()}
  def save(opts, id, request, state) do
    connection = request |> Map.get(:connection, %{}) |> Map.drop(@secrets)
    request = if connection == %{}, do: request, else: %{request | connection: connection}
    put(opts, id, :erlang.term_to_binary({@version, request, state}))
  end

  @doc "Forgets one."
  @spec delete(keyword, Backfill.id()) :: :ok | {:error, Error.t()}
  def delete(opts, id), do: put(opts, id, nil)

  defp put(opts, id, binary) do
    case opts[:backfill_store] do
      :server -> :ok
      {_load, save} -> with {:ok, _} <- call(opts, save, [id, binary], & &1), do: :ok
    end
  end

  defp call(opts, fun, args, read) do
    with {_kind, _reason, _stacktrace} = exception <-
           Callback.run(opts, fn -> read.(apply(fun, args)) end) do
      {:error, Error.exception_in("backfill_store", exception)}
    end
  end
end
