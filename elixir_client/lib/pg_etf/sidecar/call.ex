defmodule PgEtf.Sidecar.Call do
  @moduledoc false
  # Runs a registered function and says what came of it, in the process of the call.

  alias PgEtf.Functions.Registry
  alias PgEtf.Sidecar.{Failure, Reply}

  @rows_per_packet 1_000
  @bytes_per_packet 262_144

  @type result :: {:ok, term} | {:error, Failure.t()}

  @doc "Calls it, or says why that cannot be."
  @spec run(String.t(), [term]) :: result
  def run(name, args), do: guarded(name, args, & &1)

  @doc "Calls it and sends what it returns row by row."
  @spec stream(Reply.t(), String.t(), [term]) :: result
  def stream(reply, name, args), do: guarded(name, args, &send_rows(reply, name, &1 || []))

  @doc "Runs code that is no registered function."
  @spec protect(String.t(), (() -> term)) :: result
  def protect(title, fun) do
    {:ok, fun.()}
  catch
    :throw, {__MODULE__, failure} -> {:error, failure}
    kind, reason -> {:error, Failure.caught(title, kind, reason, __STACKTRACE__)}
  end

  @doc "Whether there is such a function; any arity will do where it is -1."
  @spec check(String.t(), integer) :: result
  def check(name, arity) do
    with {:ok, target} <- find(name),
         true <- arity == -1 or Registry.takes?(target, arity) do
      {:ok, true}
    else
      false -> {:error, Failure.undefined(name, arity, Registry.arities(target!(name)))}
      error -> error
    end
  end

  defp guarded(name, args, then) do
    arity = length(args)

    with {:ok, _} <- check(name, arity) do
      target = target!(name)
      protect("#{name}/#{arity}", fn -> target |> call(args) |> then.() end)
    end
  end

  defp call({module, function, _arities}, args), do: apply(module, function, args)
  defp call({fun, _arity}, args), do: apply(fun, args)

  defp find(name) do
    with :error <- Registry.fetch(name), do: {:error, Failure.undefined(name, 0, [])}
  end

  defp target!(name) do
    {:ok, target} = Registry.fetch(name)
    target
  end

  defp send_rows(reply, name, rows) do
    {waiting, _, _} = Enum.reduce(rows, {[], 0, 0}, &add_row(reply, name, &1, &2))
    if waiting != [], do: flush(reply, name, waiting)
    nil
  end

  defp add_row(reply, name, row, {waiting, count, bytes}) do
    waiting = [row | waiting]
    count = count + 1
    bytes = bytes + :erlang.external_size(row)

    if count == @rows_per_packet or bytes >= @bytes_per_packet do
      flush(reply, name, waiting)
      {[], 0, 0}
    else
      {waiting, count, bytes}
    end
  end

  defp flush(reply, name, waiting) do
    with {:error, failure} <- Reply.rows(reply, Enum.reverse(waiting), name) do
      throw({__MODULE__, failure})
    end
  end
end
