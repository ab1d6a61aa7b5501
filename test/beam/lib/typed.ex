defmodule Typed do
  @moduledoc "Functions of LANGUAGE elixir for the tests."

  use PgEtf.Functions

  @sql "add(a int, b int) RETURNS int IMMUTABLE STRICT PARALLEL SAFE"
  @sql "add(a numeric, b numeric) RETURNS numeric IMMUTABLE"
  def add(%{coef: a, exp: e} = x, %{coef: b, exp: e}), do: %{x | coef: a + b}
  def add(a, b), do: a + b

  @sql true
  def echo(value), do: value

  @sql true
  def eval(source), do: source |> Code.eval_string() |> elem(0)

  @sql true
  def both(a, b), do: [a, b]

  @sql true
  def pair(a, b), do: {a, "#{b}"}

  @sql true
  def show(value), do: inspect(value, structs: false)

  @sql true
  def given("nil"), do: nil
  def given("atom"), do: :x
  def given("error"), do: {:error, :x}
  def given("big"), do: 2 ** 40
  def given("nested"), do: [1, "two", 3]
  def given("ragged"), do: [[1, 2], [3]]
  def given("extra"), do: %{a: 1, b: "x", c: 2}
  def given("partial"), do: %{b: "x"}
  def given("tuple"), do: {1, "x"}
  def given("date"), do: ~D[2024-02-29]
  def given("pid"), do: self()
  def given("bytes"), do: <<255, 0, 1>>

  @sql "numbers(n int) RETURNS SETOF int"
  def numbers(n), do: Stream.map(1..n//1, & &1)

  @sql "rows(n int) RETURNS TABLE (id int, name text)"
  def rows(n) do
    for i <- 1..n//1, do: if(rem(i, 2) == 0, do: {i, "row #{i}"}, else: %{id: i})
  end

  @sql true
  def broken_rows(n), do: Stream.map(1..n, &if(&1 == n, do: raise("row #{n}"), else: &1))

  @sql true
  def napping(ms), do: Stream.map([&Shop.sleep/1, &Process.sleep/1], fn nap -> nap.(ms) && ms end)

  @sql true
  def fail(message), do: raise(ArgumentError, message)

  @sql true
  def refuse(code), do: raise(PgEtf.SQLError, code: code, message: "no", detail: "d", hint: "h")

  @sql true
  def notice(text), do: PgEtf.Functions.notice(text)

  @sql true
  def atoms, do: :erlang.system_info(:atom_count)

  @sql true
  def copies(bytes), do: :binary.copy("x", bytes)

  @sql true
  def many_copies(n, bytes), do: Stream.map(1..n, fn _ -> copies(bytes) end)

  @sql true
  def who, do: PgEtf.Functions.caller().user

  @sql "priced() RETURNS trigger"
  def priced(%{op: op, new: new} = event) when op in [:insert, :update] do
    case new do
      %{"quantity" => 0} -> :skip
      %{"quantity" => -1} -> :ok
      %{"quantity" => -2} -> {:error, :negative}
      %{"quantity" => -3} -> %{"price" => 1}
      %{"quantity" => n} -> %{"total" => n * 10, "note" => note(event)}
    end
  end

  def priced(%{op: :delete, old: %{"quantity" => 99}}), do: :skip
  def priced(%{op: :delete}), do: :ok

  defp note(event) do
    "#{event.when} #{event.op} #{event.level} #{event.name} #{event.schema}.#{event.table} " <>
      "#{inspect(event.args)} old #{inspect(event.old && event.old["quantity"])}"
  end

  @sql true
  def log(event) do
    PgEtf.Functions.notice("#{event.when} #{event.op} #{event.level} #{inspect(event.new)}")
    :ok
  end

  @sql true
  def boom(_event), do: raise("not on my watch")
end
