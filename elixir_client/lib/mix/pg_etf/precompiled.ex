defmodule Mix.PgEtf.Precompiled do
  @moduledoc false
  # The C program out of an archive that "make client-archive" has made, if it is the one whose
  # checksum is known.

  @program "pg_etf_client"

  @doc "The archive that was asked for, or a directory of them."
  @spec given() :: Path.t() | nil
  def given, do: setting("PG_ETF_PRECOMPILED", :precompiled)

  @doc "The program in it."
  @spec read(Path.t(), version :: String.t()) :: {:ok, binary} | {:error, String.t()}
  def read(path, version) do
    archive = archive(path, version)
    checksums = setting("PG_ETF_CHECKSUMS", :checksums) || Path.expand("checksums.txt")

    with {:ok, bytes} <- file(archive),
         {:ok, known} <- file(checksums),
         :ok <- verify(bytes, Path.basename(archive), known, checksums),
         do: unpack(bytes, archive)
  end

  @doc "What an archive for this machine is called."
  @spec name(version :: String.t()) :: String.t()
  def name(version), do: "#{@program}-#{version}-#{target()}.tar.gz"

  # As compilers have it, without a vendor.
  defp target do
    case :system_architecture |> :erlang.system_info() |> to_string() |> String.split("-") do
      [machine, _vendor, kernel, libc] -> Enum.join([machine, kernel, libc], "-")
      parts -> Enum.join(parts, "-")
    end
  end

  defp setting(variable, key) do
    System.get_env(variable) || Application.get_env(:pg_etf, key)
  end

  defp archive(path, version) do
    if File.dir?(path), do: Path.join(path, name(version)), else: path
  end

  defp file(path) do
    with {:error, reason} <- File.read(path),
         do: {:error, "#{path}: #{:file.format_error(reason)}"}
  end

  # Lines of sha256sum.
  defp verify(bytes, name, known, checksums) do
    # Only Mix needs it: the application does not depend on crypto.
    sum = :crypto |> apply(:hash, [:sha256, bytes]) |> Base.encode16(case: :lower)
    lines = for line <- String.split(known, "\n"), do: String.split(line, ~r/ [ *]/, parts: 2)

    case Enum.filter(lines, &match?([_, ^name], &1)) do
      [] -> {:error, "#{name} has no checksum in #{checksums}"}
      [[^sum, _]] -> :ok
      _ -> {:error, "#{name} is not the archive whose checksum is in #{checksums}: it has #{sum}"}
    end
  end

  defp unpack(bytes, archive) do
    with {:ok, files} <- :erl_tar.extract({:binary, bytes}, [:memory, :compressed]),
         {_name, program} <- List.keyfind(files, to_charlist(@program), 0) do
      {:ok, program}
    else
      _ -> {:error, "#{archive} is no archive with #{@program}"}
    end
  end
end
