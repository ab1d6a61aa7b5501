defmodule Mix.Tasks.PgEtf.Sandbox do
  @shortdoc "Runs a private PostgreSQL with pg_etf_decoding"

  @moduledoc """
  Runs a private PostgreSQL with the plugin loaded, until a line is entered, its input
  ends or it is interrupted (Ctrl-C twice). Nothing stays behind.

      $ mix pg_etf.sandbox --database shop

  Options: `--database`, `--username`, `--bindir`, as in `PgEtf.Sandbox`.
  """

  use Mix.Task

  @impl true
  def run(args) do
    {opts, _} =
      OptionParser.parse!(args, strict: [database: :string, username: :string, bindir: :string])

    Mix.Task.run("app.start")
    # A sandbox that cannot start is a message, not an exit.
    Process.flag(:trap_exit, true)

    case PgEtf.Sandbox.start_link(opts) do
      {:ok, sandbox} -> serve(sandbox)
      {:error, %PgEtf.Error{} = error} -> Mix.raise(Exception.message(error))
    end
  end

  defp serve(sandbox) do
    %{dir: dir, username: username, database: database} = PgEtf.Sandbox.info(sandbox)
    connection = PgEtf.Sandbox.connection(sandbox)

    Mix.shell().info("""
    PostgreSQL runs in #{dir}, and ends with this command (Enter).

      psql        psql -h #{dir} -U #{username} #{database}
      Elixir      #{inspect(connection)}
    """)

    IO.read(:stdio, :line)
    GenServer.stop(sandbox)
  end
end
