defmodule PgEtf.Sidecar.Loader do
  @moduledoc false
  # Code that arrives while the sidecar runs, and code that is there when it starts.

  alias PgEtf.Sidecar.{Call, Config, Failure}

  @doc "Compiles a module, which is gone after a restart; the names of all it defined."
  @spec load(Config.t(), String.t(), String.t()) :: Call.result()
  def load(config, module, source) do
    with :ok <- allowed(config) do
      Call.protect("elixir_load_code", fn -> compile(module, source) end)
    end
  end

  @doc "Evaluates an expression."
  @spec eval(Config.t(), String.t()) :: Call.result()
  def eval(config, source) do
    with :ok <- allowed(config) do
      Call.protect("DO", fn -> source |> Code.eval_string([], file: "DO") |> elem(0) end)
    end
  end

  defp allowed(%Config{allow_load_code: true}), do: :ok

  defp allowed(_config) do
    {:error,
     Failure.new("55000", "the sidecar does not take code",
       hint: "Set elixir.allow_load_code, or allow_load_code: true where the sidecar is started."
     )}
  end

  defp compile(module, source) do
    quoted = Code.string_to_quoted!(source, file: module)
    names = defined(quoted)
    check_names(names, module)
    for name <- names, do: make_room(name)
    for {module, _code} <- Code.compile_quoted(quoted, module), do: inspect(module)
  end

  # Nothing but the definition of this module and of modules below it.
  defp defined({:__block__, _, forms}), do: Enum.flat_map(forms, &defined/1)
  defp defined({:defmodule, _, [{:__aliases__, _, parts} | _]}), do: [Module.concat(parts)]
  defp defined(_else), do: [nil]

  defp check_names(names, module) do
    good? = fn name ->
      name != nil and String.starts_with?(inspect(name) <> ".", module <> ".")
    end

    unless names != [] and Enum.all?(names, good?) and module in Enum.map(names, &inspect/1) do
      throw(
        {Call, Failure.new("42601", "the source must define the module #{module} and no other")}
      )
    end
  end

  # Purging what still runs would kill who runs it.
  defp make_room(module) do
    unless :code.soft_purge(module) do
      throw({Call, Failure.new("55000", "old code of #{inspect(module)} is still in use")})
    end
  end

  @doc "Loads what shall be callable from the start."
  @spec prepare(Config.t()) :: :ok
  def prepare(config) do
    config.code_path
    |> String.split(":", trim: true)
    |> Enum.flat_map(&files/1)
    |> require_files()

    for module <- config.modules, do: Code.ensure_loaded!(module)
    for app <- config.apps || dependents(), module <- modules(app), do: Code.ensure_loaded(module)
    :ok
  end

  defp files(path) do
    if File.dir?(path), do: path |> Path.join("**/*.{ex,exs}") |> Path.wildcard(), else: [path]
  end

  defp require_files([]), do: :ok

  defp require_files(files) do
    case Kernel.ParallelCompiler.require(files, return_diagnostics: false) do
      {:ok, _, _} -> :ok
      {:error, errors, _} -> raise CompileError, description: Enum.map_join(errors, "\n", &line/1)
    end
  end

  defp line({file, {line, _column}, message}), do: line({file, line, message})
  defp line({file, line, message}), do: Exception.format_file_line(file, line, " " <> message)

  # Where modules are loaded when they are first called, those of the applications that
  # depend on this one have to be loaded to be found.
  defp dependents do
    for {app, _, _} <- Application.loaded_applications(),
        :pg_etf in (Application.spec(app, :applications) || []),
        do: app
  end

  defp modules(app), do: Application.spec(app, :modules) || []
end
