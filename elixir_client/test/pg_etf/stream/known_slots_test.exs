defmodule PgEtf.SlotsTest do
  use ExUnit.Case, async: true

  alias PgEtf.{Client, Options}
  alias PgEtf.Stream.KnownSlots

  defp key(connection, slot \\ "s") do
    [connection: connection, slot: slot]
    |> Options.validate!()
    |> Client.Settings.start()
    |> KnownSlots.key()
  end

  test "a slot is known by its name and its server, whoever asks" do
    here = key(hostname: "db", database: "shop", username: "a", password: "1")
    assert here == key(hostname: "db", database: "shop", username: "b", password: "2")
    assert here != key(hostname: "db2", database: "shop")
    assert here != key([hostname: "db", database: "shop"], "t")
  end

  test "a password is no part of it" do
    assert key("postgresql://a:1@db/shop") == key("postgresql://b:2@db/shop")
    assert key("postgresql://a:1@db/shop") != key("postgresql://a:1@db/other")
    assert key("host=db password=1 dbname=shop") == key("host=db password='2 3' dbname=shop")
    assert key("host=db password=1") != key("host=db2 password=1")
  end

  test "how far it was read" do
    key = {"slots_test", 1}
    assert KnownSlots.get(key) == nil
    KnownSlots.put(key, 5)
    assert KnownSlots.get(key) == 5
  end
end
