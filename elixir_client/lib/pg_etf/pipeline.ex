defmodule PgEtf.Pipeline do
  @moduledoc """
  Makes a pipeline of Broadway over `PgEtf.Producer` faster: its processors finish the rows.

      defmodule Orders do
        use Broadway
        use PgEtf.Pipeline

        # start_link/1, handle_message/3 and so on, as without
      end

  Without it the producer, which is one process, makes maps, numbers and times out of what
  the server has sent, and each of them is copied to a processor. With it rows are sent as they
  came, and every processor finishes its own: the work is divided, and less is copied. Whatever
  your functions receive is the same. See "Performance" in the documentation for figures.

  It is `c:Broadway.prepare_messages/2` that finishes them. A function of this name in your
  module is called behind it, and `partition_by` of processors receives whole messages, too;
  `&PgEtf.partition_by/1` needs the key alone. Only handlers of Broadway's telemetry see
  messages before: `[:broadway, :processor, :start]` has them with unfinished data.

  With the options `:into` and `:split_key_changes`, or a `:transformer` of the producer, rows
  are finished in the producer all the same.
  """

  alias PgEtf.Decode.Deferred
  alias PgEtf.Producer.Message

  @doc false
  defmacro __using__(_opts), do: quote(do: @before_compile(PgEtf.Pipeline))

  @doc false
  defmacro __before_compile__(env) do
    quote do
      unquote(prepare_messages(Module.defines?(env.module, {:prepare_messages, 2})))

      @doc false
      def __pg_etf_pipeline__, do: true
    end
  end

  defp prepare_messages(true) do
    quote do
      defoverridable prepare_messages: 2

      @impl Broadway
      def prepare_messages(messages, context) do
        messages |> Enum.map(&PgEtf.Producer.Message.finish/1) |> super(context)
      end
    end
  end

  defp prepare_messages(false) do
    quote do
      @impl Broadway
      def prepare_messages(messages, _context) do
        Enum.map(messages, &PgEtf.Producer.Message.finish/1)
      end
    end
  end

  @doc false
  # The options of a pipeline of this module, and of its producer.
  @spec prepare(module, keyword, keyword) :: {keyword, keyword}
  def prepare(module, broadway, opts) do
    opts = Keyword.put(opts, :broadway_module, module)

    if finishes?(module) and broadway[:producer][:transformer] == nil do
      {Keyword.update!(broadway, :processors, &partition_unfinished/1),
       Keyword.put(opts, :deferred, true)}
    else
      {broadway, opts}
    end
  end

  defp finishes?(module) do
    Code.ensure_loaded?(module) and function_exported?(module, :__pg_etf_pipeline__, 0)
  end

  defp partition_unfinished(processors) do
    for {key, opts} <- processors, do: {key, Keyword.replace_lazy(opts, :partition_by, &by/1)}
  end

  # Another function than ours may ask for anything.
  defp by(fun) do
    if fun == (&PgEtf.partition_by/1),
      do: &Deferred.partition_by(&1.data),
      else: &(&1 |> Message.finish() |> fun.())
  end
end
