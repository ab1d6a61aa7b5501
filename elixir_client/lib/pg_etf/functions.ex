defmodule PgEtf.Functions do
  @moduledoc """
  Elixir functions that SQL may call.

      defmodule Shop.Price do
        use PgEtf.Functions

        @sql "price(item int, quantity int) RETURNS numeric STABLE"
        def price(item, quantity), do: base(item) * quantity

        defp base(42), do: 25
      end

  Only what is marked with `@sql` can be called. Its name on the side of SQL is
  `Shop.Price.price`, and one statement creates the SQL function that `@sql` declares:

      SELECT elixir_import('Shop.Price');
      SELECT price(42, 3);

  `@sql` holds what follows `CREATE FUNCTION`, without `LANGUAGE` and body. Several
  `@sql` before one function declare several SQL functions; `@sql true` lets SQL call
  the function and declares none. Values arrive as `docs/types.md` has them for the
  dialect `elixir`: what Postgrex returns, NULL as `nil`. What the function returns
  must fit the declared type; an exception becomes an SQL error with the stack in its
  context.

  The functions run in a BEAM that runs `PgEtf.Sidecar`, each call in a process of its
  own, which is killed when its caller cancels, times out or disconnects. The work of a
  function is not part of the transaction that calls it: what it did is done, even when
  the transaction is rolled back.

  A single function can be registered without a module of its own; it is then called as
  `elixir_call('add_tax', ...)`:

      iex> PgEtf.Functions.register("add_tax", fn price -> price * 1.25 end)
      :ok
      iex> PgEtf.Functions.unregister("add_tax")
      :ok
  """

  alias PgEtf.Functions.Registry

  @typedoc "Who calls, as far as PostgreSQL says."
  @type caller :: %{
          database: String.t(),
          user: String.t(),
          pid: integer,
          server_version: integer
        }

  defmacro __using__(opts) do
    if opts != [], do: raise(ArgumentError, "use PgEtf.Functions takes no options")

    quote do
      Module.register_attribute(__MODULE__, :sql, accumulate: true)
      Module.register_attribute(__MODULE__, :pg_functions, accumulate: true)
      @on_definition PgEtf.Functions
      @before_compile PgEtf.Functions
    end
  end

  @doc false
  def __on_definition__(env, kind, name, args, _guards, _body) do
    marks = env.module |> Module.get_attribute(:sql, []) |> Enum.reverse()
    Module.delete_attribute(env.module, :sql)

    if marks != [] do
      check_mark!(env, kind, name)
      Module.put_attribute(env.module, :pg_functions, {name, length(args), declarations(marks)})
    end
  end

  defp check_mark!(_env, :def, _name), do: :ok

  defp check_mark!(env, kind, name) do
    raise CompileError,
      file: env.file,
      line: env.line,
      description: "@sql marks #{kind} #{name}: only public functions can be called from SQL"
  end

  defp declarations(marks) do
    for mark <- marks, mark != true do
      if not is_binary(mark),
        do: raise(ArgumentError, "@sql is a string or true: #{inspect(mark)}")

      String.trim(mark)
    end
  end

  @doc false
  defmacro __before_compile__(_env) do
    quote do
      @on_load :__register_pg_functions__

      @doc false
      def __pg_functions__, do: Enum.reverse(@pg_functions)

      @doc false
      def __register_pg_functions__ do
        PgEtf.Functions.Registry.put_module(__MODULE__, Enum.reverse(@pg_functions))
      end
    end
  end

  @doc """
  Registers a function under a name, in place of what had the name before.

  A capture like `&Shop.total/1` outlives a reload of its module; an anonymous function
  belongs to the code that made it.
  """
  @spec register(String.t(), fun) :: :ok
  def register(name, fun) when is_binary(name) and is_function(fun) do
    Registry.put(name, fun)
  end

  @doc "Removes a name; whether it was registered or not."
  @spec unregister(String.t()) :: :ok
  def unregister(name) when is_binary(name), do: Registry.delete(name)

  @doc """
  Who calls: only in the process of a call, else `nil`.
  """
  @spec caller() :: caller | nil
  def caller, do: Process.get({PgEtf.Sidecar, :caller})

  @doc """
  Sends a message to the client of the SQL session, as `RAISE NOTICE` does.

  Only the process of a synchronous call can; anywhere else nothing happens.
  """
  @spec notice(:debug | :info | :notice | :warning, String.t()) :: :ok
  def notice(level \\ :notice, text)
      when level in [:debug, :info, :notice, :warning] and is_binary(text) do
    PgEtf.Sidecar.Reply.notice(level, text)
  end
end
