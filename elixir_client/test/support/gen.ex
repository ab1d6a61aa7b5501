defmodule PgEtf.Gen do
  @moduledoc false
  # Generators for property tests. A generator is a function of a :rand state
  # that answers {value, state}; run/3 runs a property over many values and
  # tells the seed of a failure, which PG_ETF_SEED repeats.

  @type t(value) :: (:rand.state() -> {value, :rand.state()})

  def run(generator, runs, property) do
    first =
      case System.get_env("PG_ETF_SEED") do
        nil -> :erlang.unique_integer([:positive]) + System.os_time()
        seed -> String.to_integer(seed)
      end

    for seed <- first..(first + runs - 1) do
      {value, _} = generator.(:rand.seed_s(:exsss, seed))

      try do
        property.(value)
      rescue
        error ->
          IO.puts(:stderr, "PG_ETF_SEED=#{seed} repeats: #{inspect(value, limit: 50)}")
          reraise error, __STACKTRACE__
      end
    end
  end

  def constant(value), do: fn state -> {value, state} end

  def integer(first..last//_) do
    fn state ->
      {n, state} = :rand.uniform_s(last - first + 1, state)
      {first + n - 1, state}
    end
  end

  def one_of(generators) do
    bind(integer(0..(length(generators) - 1)), &Enum.at(generators, &1))
  end

  def map(generator, fun) do
    fn state ->
      {value, state} = generator.(state)
      {fun.(value), state}
    end
  end

  def bind(generator, fun) do
    fn state ->
      {value, state} = generator.(state)
      fun.(value).(state)
    end
  end

  def list(generator, lengths) do
    bind(integer(lengths), &fixed_list(List.duplicate(generator, &1)))
  end

  def fixed_list(generators) do
    fn state -> Enum.map_reduce(generators, state, & &1.(&2)) end
  end

  def shuffle(list) do
    fn state ->
      {keyed, state} =
        Enum.map_reduce(list, state, fn value, state ->
          {key, state} = :rand.uniform_s(state)
          {{key, value}, state}
        end)

      {keyed |> Enum.sort() |> Enum.map(&elem(&1, 1)), state}
    end
  end

  def binary(lengths) do
    map(list(integer(0..255), lengths), &:erlang.list_to_binary/1)
  end
end
