defmodule PgEtf.Stream.BackfillStore do
  @moduledoc false
  # What is kept of backfills, so that they go on in another life of the node, or on another
  # one: by the functions of option `backfill_store`, of each what was asked for and what the
  # program says is done of it; by the program, on the server, what was asked for.

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

  @doc "Keeps what is done of one, an empty state: nothing yet."
  @spec save(keyword, Backfill.id(), map, binary) :: :ok | {:error, Error.t()}
  def save(opts, id, request, state) do
    put(opts, id, write(request, state))
  end

  @doc "What is kept of one, as a binary."
  @spec write(map, binary) :: binary
  def write(request, state), do: :erlang.term_to_binary({@version, public(request), state})

  @doc "What was asked for, for the program to keep."
  @spec write_request(map) :: binary
  def write_request(request), do: :erlang.term_to_binary({@version, public(request)})

  @doc "The same, as the program has kept it."
  @spec read_request(binary) :: {:ok, map} | :error
  def read_request(binary) do
    case :erlang.binary_to_term(binary, [:safe]) do
      {@version, %{} = request} -> {:ok, request}
      _of_another_version -> :error
    end
  rescue
    ArgumentError -> :error
  end

  @doc "Whether two requests are the same, as far as they are kept."
  @spec same?(map, map) :: boolean
  def same?(one, other), do: public(one) == public(other)

  defp public(request) do
    connection = request |> Map.get(:connection, %{}) |> Map.drop(@secrets)
    if connection == %{}, do: request, else: %{request | connection: connection}
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
