# The tests under test/broadway run where Broadway is on the code path, those
# under test/integration where the program and a server are, those under
# test/brokers in "make check-brokers".
alias PgEtf.{Integration, Stage}

if Code.ensure_loaded?(Broadway) do
  {:ok, _} = Application.ensure_all_started(:broadway)
  IO.puts("With Broadway #{Application.spec(:broadway, :vsn)}")
else
  IO.puts("Without Broadway")
end

unless Code.ensure_loaded?(Ecto) do
  IO.puts("Without Ecto: structs of schemas are not tested")
end

unless Code.ensure_loaded?(Igniter.Test) do
  IO.puts("Without Igniter: what it installs is not tested")
end

if Stage.real?() do
  IO.puts("With GenStage: it drives the producer")
else
  IO.puts("Without GenStage: a harness drives the producer")
end

excluded =
  if Integration.available?() do
    [:slow, :brokers]
  else
    IO.puts("Without pg_etf_client or a server: only the fake client")
    [:integration, :slow, :brokers]
  end

# The machine may be busy with other things.
ExUnit.start(exclude: excluded, assert_receive_timeout: 5_000)
