defmodule Mix.PgEtf.Generator do
  @moduledoc false
  # What the generators share: a module with its test, for a slot and tables.

  @switches [slot: :string, tables: :string]

  @doc """
  Writes the module that was named and its test, whose texts are made of `module`, `slot` and
  `tables`, and says what is left to do.
  """
  @spec run([String.t()], String.t(), (map -> String.t()), (map -> String.t())) :: :ok
  def run(args, task, code, test) do
    case OptionParser.parse!(args, strict: @switches) do
      {opts, [module]} -> module |> what(opts) |> write(code, test)
      _ -> Mix.raise("expected the name of a module: mix #{task} Shop.Orders [--slot NAME]")
    end
  end

  defp what(module, opts) do
    unless module =~ ~r/^[A-Z]\w*(\.[A-Z]\w*)*$/, do: Mix.raise("#{module} names no module")
    path = Macro.underscore(module)
    slot = opts[:slot] || Path.basename(path)

    unless slot =~ ~r/^[a-z0-9_]{1,63}$/,
      do: Mix.raise("#{slot} names no slot: lower case letters, digits and underscores do")

    tables = String.split(opts[:tables] || "public.*", ",", trim: true)
    %{module: module, path: path, slot: slot, tables: tables}
  end

  defp write(what, code, test) do
    file("lib/#{what.path}.ex", code.(what))
    file("test/#{what.path}_test.exs", test.(what))

    Mix.shell().info("""

    Add it to the children of your application, where the database is as for Postgrex:

        {#{what.module}, connection: Shop.Repo.config()}

    and to config/test.exs, so that tests need no server:

        config :pg_etf, testing: :manual

    The server is looked at by: mix pg_etf.doctor --slot #{what.slot}
    """)
  end

  defp file(path, text) do
    Mix.Generator.create_file(path, IO.iodata_to_binary([Code.format_string!(text), "\n"]))
  end
end
