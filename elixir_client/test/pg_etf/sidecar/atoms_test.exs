defmodule PgEtf.Sidecar.AtomsTest do
  # A request with an atom that is missing here could not be read. So the list is held
  # against the sources of those who write requests, and the values in them.
  use ExUnit.Case, async: true

  alias PgEtf.Sidecar.Atoms

  @top Path.expand("../../../..", __DIR__)

  # Those of the module that nobody writes, and of terms for Erlang.
  @everywhere ~w(nil true false)
  @erlang ~w(closed minus_infinity plus_infinity undefined)

  if File.dir?(Path.join(@top, "src/beam")) do
    test "has what backends write" do
      requests = sources("src/beam/{sidecar,hello,trigger,function}.c")
      values = sources("src/common/value/*.c") <> sources("src/plugin/{datum_*,host}.c")

      kinds =
        literals(
          sources("src/beam/*.c"),
          ~r/(?:sidecar_begin|function_begin|\bbegin)\(\s*&?request, ("[a-z]+")/
        )

      words = literals(requests <> values, ~r/etf_put_atom\(&?\w+,([^;]*);/)
      events = literals(sources("src/beam/trigger.c"), ~r/(?:return|put_name\()([^;]*);/)
      modules = literals(values, ~r/\.module = ([^,]*),/)
      fields = literals(values, ~r/\{("[a-z0-9_]+"), FILL_/)
      constants = literals(values, ~r/FILL_ATOM, ("[^"]+")/)

      assert length(kinds) > 8 and length(words) > 30 and length(events) > 8
      assert length(modules) > 12 and length(fields) > 40
      written = Enum.uniq(kinds ++ words ++ events ++ modules ++ fields ++ constants)
      assert Enum.sort(written -- (known() ++ @everywhere ++ @erlang)) == []
    end
  end

  test "is loaded with the module" do
    assert Atoms.ensure() == :ok

    for atom <- Atoms.all() do
      assert atom |> :erlang.term_to_binary() |> :erlang.binary_to_term([:safe]) == atom
    end
  end

  defp known, do: Enum.map(Atoms.all(), &Atom.to_string/1)

  defp sources(wildcard) do
    [@top, wildcard] |> Path.join() |> Path.wildcard() |> Enum.map_join(&File.read!/1)
  end

  defp literals(source, regex) do
    for [_, part] <- Regex.scan(regex, source), [_, text] <- Regex.scan(~r/"([\w.-]+)"/, part) do
      text
    end
  end
end
