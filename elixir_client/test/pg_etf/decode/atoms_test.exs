defmodule PgEtf.AtomsTest do
  # An atom that is missing here would end a stream when it comes. So the lists are held
  # against the sources of those who send.
  use ExUnit.Case, async: true

  alias PgEtf.Decode.Atoms
  alias PgEtf.Error

  @top Path.expand("../../../..", __DIR__)

  # Terms of epgsql, which the library does not ask for.
  @other_dialects ~w(minus_infinity plus_infinity)

  test "reads no others" do
    for atom <- Atoms.frames() ++ Atoms.reports() do
      assert {:ok, ^atom} = atom |> :erlang.term_to_binary() |> Atoms.read()
    end

    name = "no_atom_of_the_wire"
    bytes = <<131, 119, byte_size(name), name::binary>>
    assert Atoms.read(bytes) == :error
    assert Atoms.read_first(bytes <> "rest") == :error
    assert Atoms.read_first(<<131, 97, 5, "rest">>) == {:ok, 5, "rest"}
  end

  if File.dir?(Path.join(@top, "src")) do
    test "has what the plugin writes" do
      sources = sources("src/{plugin,common}/**/*.c")

      atoms =
        literals(
          sources,
          ~r/(?:etf_put_atom|begin_row_event|put_element_shape|frame_open_end|begin_decision)\(([^;{]*);/
        )

      modules = literals(sources, ~r/\.module = ([^,]*),/)
      fields = literals(sources, ~r/\{("[a-z0-9_]+"), FILL_/)
      values = literals(sources, ~r/FILL_ATOM, ("[^"]+")/)
      assert length(atoms) > 30 and length(modules) > 12 and length(fields) > 40
      missing = missing(atoms ++ modules ++ fields ++ values, Atoms.frames())
      assert missing -- @other_dialects == []
    end

    test "has what the client sends" do
      engine = sources("src/client/{engine,node}/*.c")
      keys = literals(engine, ~r/field_[a-z]+\(("[a-z_]+")/)
      names = literals(engine, ~r/consumer_(?:report|position)\(([^;]*);/)
      # Reasons are returned, too.
      states = for text <- literals(engine, ~r/return ([^;(]*;)/), text =~ ~r/^\S*$/, do: text
      tags = literals(sources("src/client/{consumer,node}/*.c"), ~r/event_[a-z]+\(("[a-z_]+")/)
      assert length(keys) > 40 and length(names) > 8 and length(states) > 3
      assert missing(keys ++ names ++ states ++ tags, Atoms.reports()) == []
    end

    test "has the classes of failures" do
      table = sources("src/client/base/failure.c")
      classes = literals(table, ~r/\] =\s+\{("[a-z_]+"),\s+[1-9]/)
      assert Enum.sort(classes) == Enum.sort(for c <- Error.classes(), do: Atom.to_string(c))
    end
  end

  defp sources(wildcard) do
    [@top, wildcard] |> Path.join() |> Path.wildcard() |> Enum.map_join(&File.read!/1)
  end

  defp literals(source, regex) do
    for [_, part] <- Regex.scan(regex, source), [_, text] <- Regex.scan(~r/"([^"]*)"/, part) do
      text
    end
  end

  defp missing(names, atoms) do
    known = for atom <- atoms, do: Atom.to_string(atom)
    Enum.sort(Enum.uniq(names) -- known)
  end
end
