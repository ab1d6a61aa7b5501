defmodule PgEtf.Doctor do
  @moduledoc """
  Checks everything that a stream needs, and says what to do: the server, as
  `pg_etf_client --check` does, and what only this node knows.

  `mix pg_etf.doctor` prints it. In a release, where there is no Mix:

      bin/shop eval 'PgEtf.Doctor.print(connection: Shop.Repo.config(), slot: "audit")'

  Nothing is changed. On the server a connection for replication is opened and a temporary
  slot is created, to see whether they can be.
  """

  alias PgEtf.Client.{Connection, PluginOptions, Program}
  alias PgEtf.{Error, Options}

  @typedoc "What was found, on one line: what it is, how it is, and what to do."
  @type finding :: {:ok | :warning | :error, String.t()}

  @levels %{"ok" => :ok, "warning" => :warning, "error" => :error}

  @doc """
  Looks at everything.

  Takes the options of a stream (`PgEtf.Producer`), of which only `:connection` is
  required. Raises `ArgumentError` where they are wrong.
  """
  @spec check(keyword) :: [finding]
  def check(opts) do
    all = opts |> Keyword.put_new(:slot, "none") |> Options.validate!()
    here(all) ++ server(all, opts[:slot])
  end

  @doc "Prints the findings of `check/1`; whether none of them is an error."
  @spec print(keyword) :: boolean
  def print(opts) do
    findings = check(opts)
    for {level, text} <- findings, do: IO.puts([String.pad_trailing("#{level}", 9), text])
    not List.keymember?(findings, :error, 0)
  end

  ## This node

  defp here(opts) do
    List.flatten([versions(), shell(), log(), libraries(), spool(opts)])
  end

  defp versions do
    otp = System.otp_release()
    text = "runtime: Elixir #{System.version()}, OTP #{otp}"

    if Version.match?(System.version(), ">= 1.14.0") and String.to_integer(otp) >= 25,
      do: {:ok, text},
      else: {:error, text <> ". Elixir 1.14 and OTP 25 are the oldest that are supported."}
  end

  defp shell do
    if File.exists?("/bin/sh"),
      do: [],
      else: {:warning, "shell: no /bin/sh. A client program that hangs cannot be killed."}
  end

  defp log do
    level = Logger.level()

    if Logger.compare_levels(level, :warning) == :gt,
      do: {:warning, "log: level #{level}. Lost connections are warnings, and not to be seen."},
      else: {:ok, "log: level #{level}"}
  end

  defp libraries do
    for {app, module, without} <- [
          {:broadway, Broadway, "PgEtf.Consumer works without it"},
          {:telemetry, :telemetry, "no events are emitted"},
          {:decimal, Decimal, "numeric values are its structs; add it to compute with them"}
        ] do
      if Code.ensure_loaded?(module),
        do: {:ok, "#{app}: #{version(app)}"},
        else: {:ok, "#{app}: not there (#{without})"}
    end
  end

  defp version(app) do
    Application.load(app)
    Application.spec(app, :vsn) || "loaded"
  end

  # The C program keeps transactions in progress in files without a name.
  defp spool(opts) do
    dir = opts[:spool_dir] || System.get_env("TMPDIR") || "/var/tmp"

    cond do
      not opts[:streaming] ->
        []

      match?({:ok, %{access: :read_write, type: :directory}}, File.stat(dir)) ->
        {:ok, "spool: #{dir}"}

      true ->
        {:error, "spool: #{dir} cannot be written. Set :spool_dir."}
    end
  end

  ## The server

  defp server(opts, slot) do
    case opts[:client_path] |> PgEtf.Client.Port.find() do
      {:ok, path} -> [program(path) | ask(path, opts, slot)]
      {:error, error} -> [{:error, "client: " <> text(error)}]
    end
  end

  defp program(path) do
    library = to_string(Application.spec(:pg_etf, :vsn))

    case Program.run(path, ["--version"]) do
      {"pg_etf_client " <> version, 0} ->
        same(String.trim(version), library, path)

      {output, status} ->
        reason = Program.one_line(output)
        {:error, "client: #{path}: #{reason}. " <> text(Error.from_exit_status(status))}
    end
  end

  defp same(version, version, path), do: {:ok, "client: #{path}, version #{version}"}

  defp same(version, library, path) do
    {:warning,
     "client: #{path} is of version #{version}, the library of #{library}. Use the same of both."}
  end

  defp ask(path, opts, slot) do
    case Connection.settings!(opts[:connection]) do
      %{node: name} -> [{:ok, "server: that of the pg_etf_client which connects to #{name}"}]
      settings -> path |> Program.run(arguments(opts, slot), settings) |> findings()
    end
  end

  defp arguments(opts, slot) do
    ["--check", "--plugin=#{opts[:plugin]}"] ++
      if(slot, do: ["--slot=#{opts[:slot]}"], else: []) ++
      for(key <- [:failover, :two_phase, :create_publication], do: switch(key, opts[key])) ++
      if(opts[:snapshot] == :never, do: [], else: ["--snapshot"]) ++
      for({name, value} <- PluginOptions.options(opts), do: "--option=#{name}=#{value}")
  end

  defp switch(key, on) do
    "--#{String.replace("#{key}", "_", "-")}=#{if on, do: "on", else: "off"}"
  end

  # A program that could not connect says why, in place of all findings.
  defp findings({output, status}) do
    found =
      for line <- String.split(output, "\n"),
          [_, level, text] <- [Regex.run(~r/^(ok|warning|error) +(.*)/, line)],
          do: {@levels[level], text}

    cond do
      found != [] -> found
      status == 0 -> []
      true -> [{:error, "server: " <> Program.one_line(output)}]
    end
  end

  defp text(%Error{message: message, hint: nil}), do: message
  defp text(%Error{message: message, hint: hint}), do: "#{message}. #{hint}"
end
