defmodule Mix.Tasks.PgEtf.Gen.Consumer do
  @shortdoc "Generates a PgEtf.Consumer and its test"

  @moduledoc """
  Generates a `PgEtf.Consumer` and its test.

      $ mix pg_etf.gen.consumer Shop.Audit --slot audit --tables public.orders,public.items

  `--slot` is the name of its slot (that of the module), `--tables` which tables it is about
  (`public.*`). A pipeline of Broadway: `mix pg_etf.gen.pipeline`.
  """

  use Mix.Task

  @behaviour Mix.PgEtf.Generator

  @impl Mix.Task
  def run(args), do: Mix.PgEtf.Generator.run(args, __MODULE__)

  @doc false
  @impl Mix.PgEtf.Generator
  def code(what) do
    """
    defmodule #{what.module} do
      @moduledoc "Handles what is committed, as slot #{what.slot} delivers it."

      use PgEtf.Consumer,
        name: __MODULE__,
        slot: #{inspect(what.slot)},
        create_slot: true,
        tables: #{inspect(what.tables)}

      require Logger

      # At least once, in commit order: after a failure changes come again, each with the
      # same commit_lsn and index.
      @impl true
      def handle_changes(changes, state) do
        Enum.each(changes, &handle/1)
        {:ok, state}
      end

      defp handle(%PgEtf.Change{op: op, table: table} = change) when op in [:insert, :update] do
        Logger.info("\#{op} of \#{table}: \#{inspect(change.record)}")
      end

      defp handle(%PgEtf.Change{op: :delete} = change) do
        Logger.info("delete of \#{change.table}: \#{inspect(change.key)}")
      end

      defp handle(%PgEtf.Change{} = change) do
        Logger.info("\#{change.op} of \#{change.table}")
      end
    end
    """
  end

  @doc false
  @impl Mix.PgEtf.Generator
  def test(what) do
    """
    defmodule #{what.module}Test do
      use ExUnit.Case, async: true

      alias PgEtf.Testing

      test "changes are handled" do
        opts = [name: __MODULE__, connection: [], testing: :manual]
        start_supervised!({#{what.module}, opts})

        for change <- [
              Testing.insert("orders", %{"id" => 1}),
              Testing.update("orders", %{"id" => 1}, %{"id" => 1}),
              Testing.delete("orders", %{"id" => 1}),
              Testing.truncate("orders")
            ] do
          assert Testing.deliver(__MODULE__, change) == :ok
        end
      end
    end
    """
  end
end
