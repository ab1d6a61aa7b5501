defmodule PgEtf.Client.Program do
  @moduledoc false
  # The C program run once, for what it prints: not as the Port of a stream.

  # More than all of its own time-outs.
  @patience :timer.minutes(5)

  @doc """
  What it prints, and its exit status. With the settings of a connection they are its input,
  which nobody sees in a list of processes.
  """
  @spec run(Path.t(), [String.t()], map | nil) :: {String.t(), non_neg_integer}
  def run(path, args, settings \\ nil)
  def run(path, args, nil), do: wait(path, args, "")

  def run(path, args, settings) do
    wait(path, ["--no-password", "--dbname=-" | args], conninfo(settings) <> "\n")
  end

  @doc "An error message of it, on one line."
  @spec one_line(String.t()) :: String.t()
  def one_line(output) do
    output
    |> String.split("\n", trim: true)
    |> Enum.map_join(". ", &Regex.replace(~r/^pg_etf_client: (error|hint): /, &1, ""))
  end

  ## The connection, as one line

  defp conninfo(%{conninfo: text} = settings) do
    pairs = Map.get(settings, :connection, %{})

    cond do
      pairs == %{} ->
        text

      text =~ "://" ->
        text <> if(text =~ "?", do: "&", else: "?") <> URI.encode_query(pairs, :rfc3986)

      text =~ "=" ->
        text <> " " <> words(pairs)

      true ->
        words(Map.put_new(pairs, "dbname", text))
    end
  end

  defp conninfo(%{connection: pairs}), do: words(pairs)

  defp words(pairs) do
    Enum.map_join(pairs, " ", fn {name, value} ->
      "#{name}='#{Regex.replace(~r/[\\']/, value, "\\\\\\0")}'"
    end)
  end

  ## The program

  # A program that ends without reading takes its words along: the write ends the
  # port.  Without input it says them.
  defp wait(path, args, input) do
    task = Task.async(fn -> spoken(path, args, input) || spoken(path, args, "") end)
    Task.await(task, @patience)
  end

  defp spoken(path, args, input) do
    Process.flag(:trap_exit, true)
    options = [:binary, :exit_status, :stderr_to_stdout, :hide, args: args]
    port = Port.open({:spawn_executable, path}, options)
    send(port, {self(), {:command, input}})
    output(port, "")
  end

  defp output(port, text) do
    receive do
      {^port, {:data, data}} -> output(port, text <> data)
      {^port, {:exit_status, status}} -> {text, status}
      {:EXIT, ^port, :epipe} -> nil
    end
  end
end
