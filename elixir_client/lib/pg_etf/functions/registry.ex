defmodule PgEtf.Functions.Registry do
  @moduledoc false
  # Names to functions, in persistent terms: read by each call, written when code is
  # loaded. A name is looked up as it came, so no atom is made of it.

  # What is called by a name: `{module, function, arities}` or `{fun, arity}`.
  @type target :: {module, atom, [arity]} | {fun, arity}

  @spec put(String.t(), fun) :: :ok
  def put(name, fun) do
    {:arity, arity} = Function.info(fun, :arity)
    :persistent_term.put(key(name), {fun, arity})
  end

  @doc "What a module marks replaces what it marked before."
  @spec put_module(module, [{atom, arity, [String.t()]}]) :: :ok
  def put_module(module, marked) do
    arities = Enum.group_by(marked, &elem(&1, 0), &elem(&1, 1))

    for {_, {^module, function, _}} = entry <- all(), not is_map_key(arities, function) do
      delete(elem(entry, 0))
    end

    for {function, arities} <- arities do
      :persistent_term.put(
        key(name(module, function)),
        {module, function, Enum.sort(arities)}
      )
    end

    :ok
  end

  @spec delete(String.t()) :: :ok
  def delete(name) do
    :persistent_term.erase(key(name))
    :ok
  end

  @spec fetch(String.t()) :: {:ok, target} | :error
  def fetch(name) do
    case :persistent_term.get(key(name), nil) do
      nil -> :error
      target -> {:ok, target}
    end
  end

  @spec takes?(target, arity) :: boolean
  def takes?({_module, _function, arities}, arity), do: arity in arities
  def takes?({_fun, own}, arity), do: own == arity

  @spec arities(target) :: [arity]
  def arities({_module, _function, arities}), do: arities
  def arities({_fun, arity}), do: [arity]

  @doc "All that is registered, by name."
  @spec all :: [{String.t(), target}]
  def all do
    Enum.sort(for {{__MODULE__, name}, target} <- :persistent_term.get(), do: {name, target})
  end

  defp key(name), do: {__MODULE__, name}

  defp name(module, function), do: "#{inspect(module) |> String.trim_leading(":")}.#{function}"
end
