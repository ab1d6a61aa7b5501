defmodule Mix.Tasks.PgEtf.Doctor do
  @shortdoc "Checks everything that a stream needs"

  @moduledoc """
  Checks everything that a stream needs, and says what to do: see `PgEtf.Doctor`.

      $ mix pg_etf.doctor --repo Shop.Repo --slot audit
      $ mix pg_etf.doctor --url postgresql://cdc@db/shop --tables 'public.*'
      $ PGPASSWORD=... mix pg_etf.doctor --hostname db --username cdc --database shop

  Where the database is: `--repo`, or `--url`, or `--hostname`, `--port`, `--username`,
  `--database`; without any, `PG*` variables say so.

  What is to be read, as the options of a stream say: `--slot`, `--plugin`, `--failover`,
  `--two-phase`, `--streaming`; `--snapshot`, if the tables are to be read first; and lists,
  separated by commas: `--tables` and `--exclude-tables` of patterns, `--publications` of the
  names of publications, which a slot of `pgoutput` needs.

      $ mix pg_etf.doctor --repo Shop.Repo --plugin pgoutput --publications orders,audit

  Each line is a finding. The task fails if one of them is an error.
  """

  use Mix.Task

  @lists [tables: :string, exclude_tables: :string, publications: :string]
  @stream [slot: :string, plugin: :string, failover: :boolean, two_phase: :boolean] ++
            [streaming: :boolean, snapshot: :boolean]

  @impl true
  def run(args) do
    switches = Mix.PgEtf.Connection.switches() ++ @lists ++ @stream
    {opts, _} = OptionParser.parse!(args, strict: switches)

    Mix.Task.run("app.config")

    unless opts |> stream() |> PgEtf.Doctor.print(), do: exit({:shutdown, 1})
  rescue
    error in ArgumentError -> Mix.raise(Exception.message(error))
  end

  defp stream(opts) do
    {connection, opts} = Mix.PgEtf.Connection.split(opts)
    [connection: connection] ++ for({key, value} <- opts, do: {key, option(key, value)})
  end

  defp option(:plugin, name) do
    Enum.find([:auto, :pg_etf_decoding, :pgoutput], name, &(Atom.to_string(&1) == name))
  end

  defp option(:snapshot, true), do: :initial
  defp option(:snapshot, false), do: :never

  defp option(key, value) do
    if Keyword.has_key?(@lists, key), do: String.split(value, ",", trim: true), else: value
  end
end
