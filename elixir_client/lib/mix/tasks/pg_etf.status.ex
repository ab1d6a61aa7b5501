defmodule Mix.Tasks.PgEtf.Status do
  @shortdoc "Shows the slots of a server, and what each retains"

  @moduledoc """
  Shows the slots of a server: whether each is being read, how much WAL it retains, how far
  its reader is behind. It is what `pg_etf_client --status` prints.

      $ mix pg_etf.status --repo Shop.Repo
      $ mix pg_etf.status --url postgresql://cdc@db/shop --slot audit --format json

  Where the database is: `--repo`, or `--url`, or `--hostname`, `--port`, `--username`,
  `--database`; without any, `PG*` variables say so. `--slot` asks for one slot; `--format` is
  `table`, `json` or `prometheus`.

  A stream of the own node says more: `PgEtf.info/1`.
  """

  use Mix.Task

  alias PgEtf.Client.{Connection, Port, Program}

  @impl true
  def run(args) do
    switches = Mix.PgEtf.Connection.switches() ++ [slot: :string, format: :string]
    {opts, _} = OptionParser.parse!(args, strict: switches)
    Mix.Task.run("app.config")
    {connection, opts} = Mix.PgEtf.Connection.split(opts)

    with {:ok, path} <- Port.find(),
         {text, 0} <- Program.run(path, arguments(opts), Connection.settings!(connection)) do
      Mix.shell().info(String.trim_trailing(text))
    else
      {:error, error} -> Mix.raise(Exception.message(error))
      {text, _status} -> Mix.raise(Program.one_line(text))
    end
  rescue
    error in ArgumentError -> Mix.raise(Exception.message(error))
  end

  defp arguments(opts) do
    ["--status=#{opts[:format] || "table"}"] ++
      if(opts[:slot], do: ["--slot=#{opts[:slot]}"], else: [])
  end
end
