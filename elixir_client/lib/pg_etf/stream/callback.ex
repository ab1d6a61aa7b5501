defmodule PgEtf.Stream.Callback do
  @moduledoc false
  # Calls a function of the user, which may raise, throw or exit.

  @type exception :: {kind :: :error | :exit | :throw, reason :: term, Exception.stacktrace()}

  @doc """
  What a function returns, or how it failed. With `on_exception: :crash` it fails
  as if it had been called here.
  """
  @spec run(keyword | map, (() -> result)) :: {:ok, result} | exception when result: term
  def run(opts, fun) do
    {:ok, fun.()}
  catch
    kind, reason ->
      stacktrace = __STACKTRACE__ |> Enum.take_while(&theirs?/1) |> Enum.map(&without_arguments/1)
      if opts[:on_exception] == :crash, do: :erlang.raise(kind, reason, stacktrace)
      {kind, reason, stacktrace}
  end

  defp theirs?(entry), do: elem(entry, 0) != __MODULE__

  # They are rows, and the trace ends up in a log.
  defp without_arguments({module, function, arguments, location}) when is_list(arguments) do
    {module, function, length(arguments), location}
  end

  defp without_arguments(entry), do: entry
end
