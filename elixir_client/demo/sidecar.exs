# A shop on a private PostgreSQL whose prices are computed in Elixir.
#
#   make demo SIDECAR=1
#
# A trigger and a query call Elixir; the BEAM is killed in the middle of a call and
# comes back. Ends by itself after some seconds, with status 1 when something was not
# as it should be.

defmodule Demo.Functions do
  # What the BEAM beside the server compiles when it starts.

  def source do
    ~S'''
    defmodule Shop.Price do
      use PgEtf.Functions

      @doc "What a quantity of an item costs; from ten on it is a tenth less."
      @sql "price(item text, quantity int) RETURNS numeric STABLE STRICT"
      def price(item, quantity) when quantity >= 10, do: div(base(item) * quantity * 9, 10)
      def price(item, quantity), do: base(item) * quantity

      @sql "priced() RETURNS trigger"
      def priced(%{new: %{"item" => item, "quantity" => quantity}}) do
        %{"total" => price(item, quantity)}
      end

      @sql "slow_price(item text) RETURNS numeric"
      def slow_price(item) do
        Process.register(self(), :slow_price)
        Process.sleep(30_000)
        base(item)
      end

      @sql "is_slow_price_running() RETURNS boolean"
      def is_slow_price_running, do: Process.whereis(:slow_price) != nil

      defp base("tea"), do: 4
      defp base("coffee"), do: 7
      defp base(other), do: raise(ArgumentError, "no such item: #{other}")
    end
    '''
  end
end

defmodule Demo do
  alias PgEtf.Sandbox

  @items ~w(tea coffee)

  def main do
    dir = Path.join(System.tmp_dir!(), "pg_etf_demo_#{System.pid()}")
    prepare(dir)

    try do
      run(dir)
    after
      File.rm_rf!(dir)
    end
  end

  defp run(dir) do
    say("starting a private PostgreSQL, and a BEAM beside it")
    {:ok, sandbox} = Sandbox.start_link(database: "shop", settings: settings(dir))
    admin!(sandbox, extension())
    wait_until_ready(sandbox)
    admin!(sandbox, "SELECT elixir_import('Shop.Price')") |> IO.puts()

    good? =
      Enum.all?(
        [&query/1, &trigger/1, &error/1, &canceled/1, &killed/1],
        fn step -> step.(sandbox) end
      )

    GenServer.stop(sandbox)
    say(if good?, do: "all as it should be", else: "NOT AS IT SHOULD BE")
    if good?, do: 0, else: 1
  end

  # The server may run as somebody else, who cannot read this checkout.
  defp prepare(dir) do
    ebin = Path.join(dir, "ebin")
    File.mkdir_p!(Path.join(dir, "code"))
    File.cp_r!(:pg_etf |> :code.lib_dir() |> Path.join("ebin"), ebin)
    File.cp!(Path.expand("../../pg_etf_beam.so", __DIR__), Path.join(dir, "pg_etf_beam.so"))
    File.write!(Path.join(dir, "code/price.ex"), Demo.Functions.source())
    {_, 0} = System.cmd("chmod", ["-R", "a+rX", dir])
  end

  defp settings(dir) do
    [
      dynamic_library_path: "#{dir}:$libdir",
      shared_preload_libraries: "pg_etf_beam",
      "elixir.code_path": Path.join(dir, "code"),
      "elixir.command":
        "#{System.find_executable("elixir")} -pa #{dir}/ebin -e PgEtf.Sidecar.boot --no-halt"
    ]
  end

  # CREATE EXTENSION, for a server in which it is not installed.
  defp extension do
    "../../sql/pg_etf_beam--1.0.sql"
    |> Path.expand(__DIR__)
    |> File.read!()
    |> String.replace(~r/^\\echo.*$/m, "")
    |> String.replace("MODULE_PATHNAME", "pg_etf_beam")
  end

  defp query(sandbox) do
    say("a query")
    statement = "SELECT price('tea', 3), price('coffee', 10)"
    shown(sandbox, statement) == "12|63"
  end

  defp trigger(sandbox) do
    say("a trigger prices 1,000 orders")

    Sandbox.psql!(sandbox, """
    CREATE TABLE orders (id int, item text, quantity int, total numeric);
    CREATE TRIGGER priced BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION priced();
    """)

    {us, _} =
      :timer.tc(fn ->
        Sandbox.psql!(sandbox, """
        INSERT INTO orders SELECT i, (ARRAY['#{Enum.join(@items, "', '")}'])[1 + i % 2], i % 20
        FROM generate_series(1, 1000) AS i
        """)
      end)

    IO.puts("  took #{div(us, 1000)} ms")
    shown(sandbox, "SELECT * FROM orders WHERE id IN (3, 1000) ORDER BY id")
    wrong = "SELECT count(*) FROM orders WHERE total IS DISTINCT FROM price(item, quantity)"
    shown(sandbox, wrong) == "0"
  end

  defp error(sandbox) do
    say("an exception in Elixir")
    failed(sandbox, "SELECT price('milk', 1)") =~ "no such item: milk"
  end

  defp canceled(sandbox) do
    say("a statement_timeout in the middle of a call")
    error = failed(sandbox, "SET statement_timeout = '300ms'; SELECT slow_price('tea')")

    error =~ "statement timeout" and
      eventually(fn -> shown(sandbox, "SELECT is_slow_price_running()") == "f" end)
  end

  defp killed(sandbox) do
    say("kill -9 in the middle of a call")
    caller = Task.async(fn -> failed(sandbox, "SELECT slow_price('tea')") end)
    eventually(fn -> ask(sandbox, "SELECT is_slow_price_running()") == "t" end)
    pid = admin!(sandbox, "SELECT pid FROM elixir_health()")
    {_, 0} = System.cmd("kill", ["-9", pid])
    began = now()
    error = Task.await(caller, 10_000)
    back? = eventually(fn -> ask(sandbox, "SELECT price('tea', 3)") == "12" end)
    IO.puts("  calls succeed again after #{now() - began} ms")
    error =~ "closed" and error =~ "may have run" and back?
  end

  defp wait_until_ready(sandbox) do
    true = eventually(fn -> admin!(sandbox, "SELECT status FROM elixir_health()") == "ready" end)
  end

  defp admin!(sandbox, sql), do: ask!(sandbox, sql, username: "postgres")

  defp ask!(sandbox, sql, opts), do: sandbox |> Sandbox.psql!(sql, opts) |> String.trim()

  # Nothing while there is no sidecar.
  defp ask(sandbox, sql) do
    ask!(sandbox, sql, [])
  rescue
    RuntimeError -> nil
  end

  defp shown(sandbox, sql) do
    answer = ask!(sandbox, sql, [])
    IO.puts("  #{sql}\n    #{String.replace(answer, "\n", "\n    ")}")
    answer
  end

  defp failed(sandbox, sql) do
    ask!(sandbox, sql, [])
    "no error"
  rescue
    error in RuntimeError ->
      text = error.message |> String.split("ERROR: ") |> List.last() |> String.trim()
      IO.puts("  #{sql}\n    ERROR: #{String.replace(text, "\n", "\n    ")}")
      text
  end

  defp eventually(fun, attempts \\ 2_000) do
    cond do
      fun.() -> true
      attempts == 0 -> false
      true -> Process.sleep(10) && eventually(fun, attempts - 1)
    end
  end

  defp now, do: System.monotonic_time(:millisecond)

  defp say(text), do: IO.puts("\n== #{text}")
end

System.halt(Demo.main())
