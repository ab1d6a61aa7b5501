defmodule PgEtf.Client.Connection do
  @moduledoc false
  # From the forms in which an application has its database to those of the C program:
  # libpq's keywords, and libpq's own strings. The configuration of Ecto and Postgrex is
  # translated here, all else is libpq's.
  #
  # An error names a key and never a value, which may be a password.

  alias PgEtf.Client.Tls

  @type settings :: %{
          optional(:conninfo) => String.t(),
          optional(:connection) => %{optional(String.t()) => String.t()},
          optional(:node) => atom
        }

  @typedoc "One that was given as a value, where no printed option shows it."
  @type concealed :: {:concealed, (() -> term)}

  # Those of libpq 18, but for what makes a connection one of replication.
  @libpq ~w(host hostaddr port dbname user password passfile require_auth channel_binding
    connect_timeout client_encoding options application_name fallback_application_name
    keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout
    sslmode requiressl sslnegotiation sslcompression sslcert sslkey sslkeylogfile
    sslpassword sslcertmode sslrootcert sslcrl sslcrldir sslsni requirepeer
    ssl_min_protocol_version ssl_max_protocol_version min_protocol_version
    max_protocol_version gssencmode krbsrvname gsslib gssdelegation scram_client_key
    scram_server_key service target_session_attrs load_balance_hosts oauth_issuer
    oauth_client_id oauth_client_secret oauth_scope)a

  # Of pools, queries, migrations and databases to make: not about where it is.
  @ignored ~w(adapter after_connect backoff_max backoff_min backoff_type charset collation
    configure connection_listeners ctype disconnect_on_error_codes dump_path encoding
    extensions force_drop handshake_timeout idle_interval idle_limit lc_collate lc_ctype
    loggers log maintenance_database max_lifetime max_restarts max_seconds name otp_app
    ownership_log ownership_timeout ping_timeout pool pool_count pool_index pool_overflow
    pool_size pool_timeout sync_connect auto_reconnect comment
    prepare priv queue_interval queue_target search_path socket_options
    show_sensitive_data_on_connection_error stacktrace start_apps_before_migration
    telemetry_prefix template timeout types)a

  @renamed %{hostname: "host", socket_dir: "host", username: "user", database: "dbname"}

  defguardp is_repo(term) when is_atom(term) and term not in [nil, true, false, :undefined]

  @doc "The connection in a form that reveals nothing when printed."
  @spec conceal(term) :: (() -> term) | concealed
  def conceal(fun) when is_function(fun, 0), do: fun
  def conceal({:concealed, _} = concealed), do: concealed
  def conceal({:node, _} = node), do: node
  def conceal(repo) when is_repo(repo), do: &repo.config/0
  def conceal(connection), do: {:concealed, fn -> connection end}

  @doc "Whether each connect may use another value."
  @spec asked?(term) :: boolean
  def asked?(connection), do: is_function(connection, 0)

  @doc "Raises ArgumentError where a connection is wrong, as far as that can be known."
  @spec check!(term) :: :ok
  def check!(connection) do
    unless asked?(connection), do: settings!(connection)
    :ok
  end

  @doc "The settings for the C program."
  @spec settings!(term) :: settings
  def settings!({:concealed, fun}), do: fun.() |> from()
  def settings!(fun) when is_function(fun, 0), do: fun.() |> from()
  def settings!(connection), do: from(connection)

  # Its configuration with what its init/2 makes of it.
  defp from(repo) when is_repo(repo) do
    unless Code.ensure_loaded?(repo) and function_exported?(repo, :config, 0) do
      invalid!("#{inspect(repo)} is no Repo")
    end

    from(repo.config())
  end

  defp from(text) when is_binary(text), do: %{conninfo: conninfo(text)}
  defp from([char | _] = text) when is_integer(char), do: text |> text!(:connection) |> from()

  defp from({:node, name}) when is_atom(name) and name not in [nil, true, false, :undefined] do
    %{node: name}
  end

  defp from(%{} = map) when not is_struct(map), do: map |> Map.to_list() |> from()

  defp from(pairs) when is_list(pairs) do
    unless Enum.all?(pairs, &pair?/1), do: invalid!("expected #{expected()}")
    pairs = Enum.reject(pairs, &ignored?/1)
    {url, pairs} = pop(pairs, :url)
    pairs = if url, do: without_parts_of(url, pairs), else: pairs

    Map.merge(if(url, do: from(url), else: %{}), %{connection: keywords(pairs)})
  end

  defp from(_other), do: invalid!("expected #{expected()}")

  defp pair?({key, _value}), do: is_atom(key) or is_binary(key)
  defp pair?(_), do: false

  defp expected,
    do: "a keyword list, a map, a connection string, a URL, {:node, name}, a Repo or a function"

  defp ignored?({_key, nil}), do: true
  defp ignored?({key, _}) when key in @ignored, do: true
  defp ignored?({key, _}), do: key |> to_string() |> String.starts_with?("migration_")

  defp pop(pairs, key) do
    {found, rest} = Enum.split_with(pairs, &(elem(&1, 0) == key))
    {found |> List.first({key, nil}) |> elem(1), rest}
  end

  ## Keywords

  # What is said of TLS in libpq's words wins over what is translated.
  defp keywords(pairs) do
    {ssl, pairs} = pop(pairs, :ssl)
    {ssl_opts, pairs} = pop(pairs, :ssl_opts)
    pairs = if has?(pairs, :socket_dir), do: elem(pop(pairs, :hostname), 1), else: pairs
    keywords = pairs |> Enum.flat_map(&keyword/1) |> Map.new()
    tls = Tls.keywords(ssl, ssl_opts, keywords["host"])
    # A name to check stands in for the address that was given as host.
    keywords = if tls["hostaddr"], do: Map.delete(keywords, "host"), else: keywords
    Map.merge(tls, keywords)
  end

  defp has?(pairs, key), do: List.keymember?(pairs, key, 0)

  defp keyword({:parameters, parameters}), do: parameters!(parameters)
  defp keyword({:endpoints, endpoints}), do: endpoints!(endpoints)

  # The directory, and the port in the name of the socket in it.
  defp keyword({:socket, path}) do
    case Regex.run(~r{^(.+)/\.s\.PGSQL\.(\d+)$}, text!(path, :socket)) do
      [_, dir, port] -> [{"host", dir}, {"port", port}]
      nil -> invalid!("key :socket: expected a path that ends in .s.PGSQL and a port")
    end
  end

  defp keyword({key, value}) when is_map_key(@renamed, key) do
    [{Map.fetch!(@renamed, key), text!(value, key)}]
  end

  defp keyword({key, value}) when key in @libpq, do: [{Atom.to_string(key), text!(value, key)}]

  # A text key is assumed to belong to a libpq newer than this list.
  defp keyword({key, value}) when is_binary(key), do: [{key, text!(value, key)}]

  defp keyword({key, _value}) do
    invalid!("unknown key #{inspect(key)}, known neither to libpq nor to Ecto or Postgrex")
  end

  # Of the session, as Postgrex sends them: libpq has a keyword for the name only.
  defp parameters!(parameters) do
    unless Enumerable.impl_for(parameters) && Enum.all?(parameters, &pair?/1) do
      invalid!("key :parameters: expected a keyword list")
    end

    parameters = for {key, value} <- parameters, do: {to_string(key), text!(value, :parameters)}
    {named, others} = Enum.split_with(parameters, &(elem(&1, 0) == "application_name"))
    named ++ if others == [], do: [], else: [{"options", Enum.map_join(others, " ", &option/1)}]
  end

  defp option({key, value}), do: "-c #{key}=#{Regex.replace(~r/[\\\s]/, value, "\\\\\\0")}"

  defp endpoints!(endpoints) do
    {hosts, ports} = Enum.unzip(endpoints)

    [
      {"host", Enum.map_join(hosts, ",", &text!(&1, :endpoints))},
      {"port", Enum.map_join(ports, ",", &text!(&1, :endpoints))}
    ]
  rescue
    _ in [ErlangError, FunctionClauseError, ArgumentError, Protocol.UndefinedError] ->
      invalid!("key :endpoints: expected a list of {host, port}")
  end

  ## Strings

  @doc false
  @spec text!(term, atom | String.t()) :: String.t()
  def text!(value, _key) when is_binary(value), do: value
  def text!(value, _key) when is_integer(value), do: Integer.to_string(value)
  def text!(value, _key) when is_atom(value), do: Atom.to_string(value)

  def text!(value, key) when is_list(value) do
    List.to_string(value)
  rescue
    _ in [ArgumentError, UnicodeConversionError] -> text!({}, key)
  end

  def text!(_value, key), do: invalid!("key #{inspect(key)}: expected text or a number")

  @doc false
  @spec invalid!(String.t()) :: no_return
  def invalid!(reason),
    do: raise(ArgumentError, "invalid value for option :connection: #{reason}")

  # A URL of Ecto is one of libpq under another name, but for its parameters.
  defp conninfo(text) do
    case String.split(text, "://", parts: 2) do
      [scheme, rest] when scheme in ["ecto", "postgres", "postgresql"] ->
        "postgresql://" <> parameters(rest)

      _ ->
        text
    end
  end

  defp parameters(rest) do
    case String.split(rest, "?", parts: 2) do
      [place, query] ->
        case query |> String.split("&") |> Enum.flat_map(&parameter/1) do
          [] -> place
          parameters -> place <> "?" <> Enum.join(parameters, "&")
        end

      [place] ->
        place
    end
  end

  @ignored_names Enum.map(@ignored, &Atom.to_string/1)

  defp parameter("ssl=true"), do: ["sslmode=require"]
  defp parameter("ssl=false"), do: ["sslmode=disable"]

  defp parameter(parameter) do
    [name | _] = String.split(parameter, "=", parts: 2)
    if name in @ignored_names or parameter == "", do: [], else: [parameter]
  end

  # As in Ecto the URL wins over the keys beside it. In the C program keywords win.
  defp without_parts_of(url, pairs) do
    uri = url |> text!(:url) |> URI.parse()

    dropped =
      if(uri.host in [nil, ""], do: [], else: [:hostname, :host, :port, :socket, :socket_dir]) ++
        if(uri.userinfo, do: [:username, :user, :password], else: []) ++
        if uri.path in [nil, "", "/"], do: [], else: [:database, :dbname]

    Enum.reject(pairs, &(elem(&1, 0) in dropped))
  end
end
