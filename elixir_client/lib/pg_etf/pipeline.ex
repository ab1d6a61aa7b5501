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

  It is `c:Broadway.prepare_messages/2` that finishes them, and `c:Broadway.handle_failed/2` if
  your own `prepare_messages/2` has failed. Functions of these names in your module are called
  behind it. Only handlers of Broadway's telemetry can see unfinished data: those of
  `[:broadway, :processor, :start]`, and of what follows if `prepare_messages/2` fails.

  Rows are finished in the producer all the same with the options `:into` and
  `:split_key_changes`, with a `:transformer` of the producer, and with a `partition_by` of
  processors other than `&PgEtf.partition_by/1`, which needs the key alone.
  """

  alias PgEtf.Decode.Deferred
  alias PgEtf.Producer.Message

  @finished [prepare_messages: 2, handle_failed: 2]

  @doc false
  defmacro __using__(opts) do
    if opts != [], do: raise(ArgumentError, "use PgEtf.Pipeline takes no options")
    quote(do: @before_compile(PgEtf.Pipeline))
  end

  @doc false
  defmacro __before_compile__(env) do
    callbacks =
      for {name, arity} = callback <- @finished do
        finishing(name, Module.defines?(env.module, callback), arity)
      end

    quote do
      unquote_splicing(callbacks)

      @doc false
      def __pg_etf_pipeline__, do: true
    end
  end

  defp finishing(name, true, arity) do
    quote do
      defoverridable [{unquote(name), unquote(arity)}]

      @impl Broadway
      def unquote(name)(messages, context) do
        messages |> PgEtf.Pipeline.finish() |> super(context)
      end
    end
  end

  defp finishing(name, false, _arity) do
    quote do
      @impl Broadway
      def unquote(name)(messages, _context), do: PgEtf.Pipeline.finish(messages)
    end
  end

  @doc false
  @spec finish([map]) :: [map]
  defdelegate finish(messages), to: Message

  @doc false
  # The options of a pipeline of this module, and of its producer.
  @spec prepare(module, keyword, keyword) :: {keyword, keyword}
  def prepare(module, broadway, opts) do
    opts = Keyword.put(opts, :broadway_module, module)

    if finishes?(module) and broadway[:producer][:transformer] == nil and
         Enum.all?(broadway[:processors], &by_key?/1) do
      {Keyword.update!(broadway, :processors, &partition_unfinished/1),
       Keyword.put(opts, :deferred, :shared)}
    else
      {broadway, opts}
    end
  end

  defp finishes?(module) do
    Code.ensure_loaded?(module) and function_exported?(module, :__pg_etf_pipeline__, 0)
  end

  # Another function may ask for anything, and is called in the producer.
  defp by_key?({_key, opts}), do: opts[:partition_by] in [nil, &PgEtf.partition_by/1]

  defp partition_unfinished(processors) do
    by = fn message -> Deferred.partition_by(message.data) end

    for {key, opts} <- processors do
      {key, Keyword.replace_lazy(opts, :partition_by, fn fun -> fun && by end)}
    end
  end
end
