defmodule Mix.PgEtf.Generator do
  @moduledoc false
  # What the generators share: a module with its test, for a slot and tables.

  @switches [slot: :string, tables: :string]

  @type what :: %{module: String.t(), path: Path.t(), slot: String.t(), tables: [String.t()]}

  @doc "The text of the module."
  @callback code(what) :: String.t()

  @doc "The text of its test."
  @callback test(what) :: String.t()

  @doc "For OptionParser."
  @spec switches() :: keyword
  def switches, do: @switches

  @doc "Writes the module that was named and its test, and says what is left to do."
  @spec run([String.t()], module) :: :ok
  def run(args, task) do
    case OptionParser.parse!(args, strict: @switches) do
      {opts, [module]} -> module |> what(opts) |> write(task)
      _ -> Mix.raise("expected the name of a module: #{example(task)}")
    end
  end

  defp example(task), do: "mix #{Mix.Task.task_name(task)} Shop.Orders [--slot NAME]"

  @doc "What the texts are made of."
  @spec what(String.t(), keyword) :: what
  def what(module, opts) do
    unless module =~ ~r/^[A-Z]\w*(\.[A-Z]\w*)*$/, do: Mix.raise("#{module} names no module")
    path = Macro.underscore(module)
    slot = opts[:slot] || Path.basename(path)

    unless slot =~ ~r/^[a-z0-9_]{1,63}$/,
      do: Mix.raise("#{slot} names no slot: lower case letters, digits and underscores do")

    tables = for table <- String.split(opts[:tables] || "public.*", ","), do: String.trim(table)

    for table <- tables,
        not (table =~ ~r/.\../),
        do: Mix.raise("#{inspect(table)} names no table: schema.table does, as public.orders")

    %{module: module, path: path, slot: slot, tables: tables}
  end

  @doc "The files, with their paths."
  @spec files(what, module) :: [{Path.t(), String.t()}]
  def files(what, task) do
    [
      {"lib/#{what.path}.ex", formatted(task.code(what))},
      {"test/#{what.path}_test.exs", formatted(task.test(what))}
    ]
  end

  defp formatted(text), do: IO.iodata_to_binary([Code.format_string!(text), "\n"])

  defp write(what, task) do
    for {path, text} <- files(what, task), do: Mix.Generator.create_file(path, text)

    {connection, switches} = connection(repos())

    Mix.shell().info("""

    Add it to the children of your application, where the database is as for Postgrex:

        {#{what.module}, connection: #{connection}}

    and to config/test.exs, so that tests need no server:

        config :pg_etf, testing: :manual

    The server is looked at by: mix pg_etf.doctor #{switches} --slot #{what.slot}
    """)
  end

  # As Ecto has them, where it is there.
  defp repos, do: Application.get_env(Mix.Project.config()[:app], :ecto_repos, [])

  defp connection([repo | _]), do: {inspect(repo), "--repo #{inspect(repo)}"}

  defp connection([]) do
    {~s([hostname: "localhost", database: "shop", username: "cdc"]),
     "--hostname localhost --database shop --username cdc"}
  end
end
