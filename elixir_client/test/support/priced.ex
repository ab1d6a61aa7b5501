defmodule PgEtf.Priced do
  @moduledoc false
  # Functions for SQL to call, good and bad.

  use PgEtf.Functions

  @doc """
  Adds.

  Nothing more.
  """
  @sql "add(a int, b int) RETURNS int IMMUTABLE"
  @sql "add(a bigint, b bigint) RETURNS bigint IMMUTABLE"
  def add(a, b), do: a + b

  @sql true
  def add(a, b, c), do: a + b + c

  @sql "echo(value text) RETURNS text"
  def echo(value), do: value

  @sql "numbers(n int) RETURNS SETOF int"
  def numbers(nil), do: nil
  def numbers(n), do: Stream.map(1..n//1, & &1)

  @sql true
  def fail(kind) do
    case kind do
      "raise" -> raise ArgumentError, "no such\nprice"
      "throw" -> throw({:too, "far"})
      "exit" -> exit(:tired)
      "sql" -> raise PgEtf.SQLError, code: "23514", message: "negative", hint: "be positive"
    end
  end

  @sql true
  def linked do
    spawn_link(fn -> exit(:ouch) end)
    Process.sleep(:infinity)
  end

  @sql true
  def memory(n), do: length(for _ <- 1..n, do: List.duplicate(1, n))

  @sql true
  def who, do: PgEtf.Functions.caller()

  @sql true
  def noisy(text) do
    PgEtf.Functions.notice(text)
    PgEtf.Functions.notice(:warning, "again")
  end

  @sql true
  def wait(name) do
    send(String.to_existing_atom(name), {:waiting, self()})
    Process.sleep(:infinity)
  end

  @sql true
  def kill_connection do
    {:links, [connection]} = Process.info(self(), :links)
    Process.exit(connection, :kill)
    Process.sleep(:infinity)
  end

  def unmarked, do: :secret
end
