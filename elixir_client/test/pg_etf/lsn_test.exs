defmodule PgEtf.LsnTest do
  use ExUnit.Case, async: true

  alias PgEtf.{Gen, Lsn}

  doctest PgEtf.Lsn

  test "every position reads back as it was written" do
    Gen.run(Gen.binary(8..8), 500, fn <<lsn::64>> ->
      assert Lsn.parse(Lsn.to_string(lsn)) == {:ok, lsn}
    end)
  end

  test "what is not a position is refused" do
    for text <- ["", "/", "0/", "/0", "1/2/3", "-1/0", "0/+1", "g/0", "123456789/0", "0/0 "] do
      assert Lsn.parse(text) == :error
    end
  end
end
