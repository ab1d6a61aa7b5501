defmodule Mix.Tasks.PgEtf.Gen.Pipeline do
  @shortdoc "Generates a Broadway pipeline over PgEtf.Producer and its test"

  @moduledoc """
  Generates a pipeline of Broadway over `PgEtf.Producer`, and its test.

      $ mix pg_etf.gen.pipeline Shop.Feed --slot feed --tables public.orders,public.items

  `--slot` is the name of its slot (that of the module), `--tables` which tables it is about
  (`public.*`). A plain process: `mix pg_etf.gen.consumer`.
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

      use Broadway
      use PgEtf.Pipeline

      require Logger

      @producer [
        slot: #{inspect(what.slot)},
        create_slot: true,
        tables: #{inspect(what.tables)}
      ]

      # Options are :name and those of PgEtf.Producer. The changes of a row stay in order.
      def start_link(opts) do
        {name, opts} = Keyword.pop(opts, :name, __MODULE__)

        Broadway.start_link(__MODULE__,
          name: name,
          producer: [module: {PgEtf.Producer, Keyword.merge(@producer, opts)}],
          processors: [default: [concurrency: 4, partition_by: &PgEtf.partition_by/1]]
        )
      end

      # At least once: after a failure changes come again, each with the same commit_lsn and
      # index.
      @impl true
      def handle_message(_processor, %{data: %PgEtf.Change{} = change} = message, _context) do
        Logger.info("\#{change.op} of \#{change.table}: \#{inspect(change.record || change.key)}")
        message
      end

      # What has failed is delivered again, unless option :on_failure says otherwise.
      @impl true
      def handle_failed(messages, _context), do: messages
    end
    """
  end

  @doc false
  @impl Mix.PgEtf.Generator
  def test(what) do
    """
    defmodule #{what.module}Test do
      use ExUnit.Case

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
          metadata = Testing.metadata(change)
          ref = Broadway.test_message(__MODULE__, change, metadata: metadata)
          assert_receive {:ack, ^ref, [%{data: ^change}], []}, 5_000
        end
      end
    end
    """
  end
end
