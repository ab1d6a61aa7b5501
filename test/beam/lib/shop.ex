defmodule Shop do
  @moduledoc "What the tests call."

  use PgEtf.Functions

  @doc "What it was given"
  @sql true
  def echo(document), do: document

  @sql true
  def sleep(ms) do
    Process.register(self(), :"sleeper#{System.unique_integer([:positive, :monotonic])}")
    Process.sleep(ms)
    ms
  end

  @sql true
  def sleeping(_) do
    Enum.count(Process.registered(), &String.starts_with?(to_string(&1), "sleeper"))
  end

  @sql true
  def fail(message), do: raise(ArgumentError, message)

  @sql true
  def grow(_), do: length(:lists.seq(1, 1_000_000_000))

  @sql true
  def big(bytes), do: :binary.copy("x", bytes)

  @sql true
  def note(text), do: :persistent_term.put({Shop, :noted}, noted(nil) ++ [text])

  @sql true
  def noted(_), do: :persistent_term.get({Shop, :noted}, [])

  @sql true
  def who(_), do: PgEtf.Functions.caller() |> Map.take([:user, :database])

  @sql true
  def atoms(_), do: :erlang.system_info(:atom_count)

  @sql true
  def pid(_), do: String.to_integer(System.pid())

  @sql true
  def halt(slogan) when is_binary(slogan), do: slogan |> to_charlist() |> :erlang.halt()
  def halt(status), do: System.halt(status)

  @doc "Kills the process of its connection."
  @sql true
  def close(_) do
    {:links, [connection]} = Process.info(self(), :links)
    Process.exit(connection, :kill)
    Process.sleep(:infinity)
  end

  @sql true
  def print(text), do: IO.puts(text) && nil
end
