defmodule PgEtf.Client.Tls do
  @moduledoc false
  # Postgrex' options of TLS, which are Erlang's, in libpq's keywords. What has no
  # counterpart there is rejected: a connection must not be less safe than requested.

  import PgEtf.Client.Connection, only: [invalid!: 1, text!: 2]

  @files %{cacertfile: "sslrootcert", certfile: "sslcert", keyfile: "sslkey"}

  # libpq does as much by itself, or it makes nothing safer.
  @ignored ~w(customize_hostname_check depth honor_cipher_order log_alert log_level
    reuse_sessions secure_renegotiate session_tickets)a

  @versions [:tlsv1, :"tlsv1.1", :"tlsv1.2", :"tlsv1.3"]

  @doc "Keywords for `ssl:` and `ssl_opts:`, and the host that is asked for."
  @spec keywords(term, term, String.t() | nil) :: %{optional(String.t()) => String.t()}
  def keywords(nil, _opts, _host), do: %{}
  def keywords(false, _opts, _host), do: %{"sslmode" => "disable"}
  def keywords(true, nil, _host), do: %{"sslmode" => "require"}
  def keywords(true, opts, host), do: keywords(opts, nil, host)

  def keywords(opts, _opts, host) when is_list(opts) do
    unless Keyword.keyword?(opts), do: invalid!("key :ssl: expected a boolean or a keyword list")

    opts
    |> Enum.flat_map(&option/1)
    |> Map.new()
    |> Map.merge(name(opts[:server_name_indication], host))
    |> verify(Keyword.get(opts, :verify, :verify_peer), opts[:server_name_indication])
  end

  def keywords(_ssl, _opts, _host), do: invalid!("key :ssl: expected a boolean or a keyword list")

  defp option({_key, nil}), do: []
  defp option({key, file}) when is_map_key(@files, key), do: [{@files[key], text!(file, key)}]
  defp option({:password, password}), do: [{"sslpassword", text!(password, :password)}]
  defp option({:versions, versions}), do: versions(versions)
  defp option({key, _value}) when key in [:verify, :server_name_indication | @ignored], do: []

  defp option({:cacerts, _}) do
    invalid!(
      "key :ssl: libpq reads certificates from a file: use :cacertfile, not :cacerts (the " <>
        "system's are usually in /etc/ssl/certs/ca-certificates.crt)"
    )
  end

  defp option({key, _value}), do: invalid!("key :ssl: libpq does not support #{inspect(key)}")

  defp versions(versions) do
    with true <- is_list(versions) and versions != [],
         [_ | _] = places <-
           Enum.map(versions, fn v -> Enum.find_index(@versions, &(&1 == v)) end),
         false <- nil in places do
      [
        {"ssl_min_protocol_version", version(Enum.min(places))},
        {"ssl_max_protocol_version", version(Enum.max(places))}
      ]
    else
      _ -> invalid!("key :ssl: :versions is not a list of TLS versions")
    end
  end

  defp version(place), do: @versions |> Enum.at(place) |> Atom.to_string() |> tls()

  defp tls("tlsv" <> number), do: "TLSv" <> number

  # Without a certificate to hold it against, a file would be held against it all the
  # same.
  defp verify(keywords, :verify_none, _name) do
    keywords |> Map.delete("sslrootcert") |> Map.put("sslmode", "require")
  end

  defp verify(keywords, :verify_peer, :disable), do: Map.put(keywords, "sslmode", "verify-ca")
  defp verify(keywords, :verify_peer, _name), do: Map.put(keywords, "sslmode", "verify-full")
  defp verify(_keywords, _other, _name), do: invalid!("key :ssl: unknown value of :verify")

  # libpq asks for and checks the name of the host that it was given; another one is
  # possible only beside an address.
  defp name(nil, _host), do: %{}
  defp name(:disable, _host), do: %{"sslsni" => "0"}

  defp name(name, host) do
    name = text!(name, :server_name_indication)

    cond do
      host in [nil, name] ->
        %{}

      match?({:ok, _}, host |> String.to_charlist() |> :inet.parse_address()) ->
        %{"host" => name, "hostaddr" => host}

      true ->
        invalid!(
          "key :ssl: :server_name_indication differs from the host: libpq verifies the host " <>
            "name, so pass the address as :hostaddr"
        )
    end
  end
end
