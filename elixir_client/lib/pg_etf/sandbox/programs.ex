defmodule PgEtf.Sandbox.Programs do
  @moduledoc false
  # Where the server's programs and the plugin are.

  @plugin "pg_etf_decoding"
  @checkout Path.expand("../../../..", __DIR__)

  @doc "Where both are; the plugin is nil where the server has it, false if it is not to."
  @spec find(keyword) ::
          {:ok, bindir :: Path.t(), plugin :: Path.t() | nil | false} | {:error, String.t()}
  def find(opts) do
    with {:ok, bindir} <- bindir(opts[:bindir]),
         {:ok, plugin} <- plugin(opts[:plugin], bindir),
         do: {:ok, bindir, plugin}
  end

  defp bindir(nil) do
    [configured() | Enum.sort_by(Path.wildcard("/usr/lib/postgresql/*/bin"), &version/1, :desc)]
    |> Enum.find(&server?/1)
    |> case do
      nil -> {:error, "no PostgreSQL server found: install one, or set :bindir"}
      dir -> {:ok, dir}
    end
  end

  defp bindir(dir) do
    if server?(dir), do: {:ok, dir}, else: {:error, "there is no PostgreSQL server in #{dir}"}
  end

  defp configured do
    pg_config = System.get_env("PG_CONFIG") || System.find_executable("pg_config")

    case pg_config && System.cmd(pg_config, ["--bindir"]) do
      {dir, 0} -> String.trim(dir)
      _ -> nil
    end
  end

  defp version(dir) do
    case dir |> Path.dirname() |> Path.basename() |> Integer.parse() do
      {version, _} -> version
      :error -> 0
    end
  end

  defp server?(nil), do: false
  defp server?(dir), do: Enum.all?(["initdb", "postgres", "pg_ctl"], &exists?(dir, &1))

  defp exists?(dir, name), do: dir |> Path.join(name) |> File.regular?()

  defp installed?(bindir) do
    case System.cmd(Path.join(bindir, "pg_config"), ["--pkglibdir"]) do
      {dir, 0} -> dir |> String.trim() |> exists?(@plugin <> ".so")
      _ -> false
    end
  rescue
    ErlangError -> false
  end

  defp plugin(nil, bindir) do
    built = Path.join(@checkout, @plugin <> ".so")

    cond do
      File.regular?(built) -> {:ok, built}
      installed?(bindir) -> {:ok, nil}
      true -> {:error, "#{built} is not built: run `make` at the top of the checkout"}
    end
  end

  defp plugin(false, _bindir), do: {:ok, false}

  defp plugin(path, _bindir) do
    if File.regular?(path), do: {:ok, path}, else: {:error, "there is no plugin at #{path}"}
  end
end
