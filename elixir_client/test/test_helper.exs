# The tests under test/broadway run where Broadway is on the code path.
if Code.ensure_loaded?(Broadway) do
  {:ok, _} = Application.ensure_all_started(:broadway)
  IO.puts("With Broadway #{Application.spec(:broadway, :vsn)}")
else
  IO.puts("Without Broadway: the producer is driven by a harness alone")
end

ExUnit.start()
