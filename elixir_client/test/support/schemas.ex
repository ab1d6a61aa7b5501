if Code.ensure_loaded?(Ecto.Schema) do
  defmodule PgEtf.Shop do
    @moduledoc false
    # Schemas as applications have them, and a table with all that they may hold.

    defmodule Upcase do
      @moduledoc false
      use Ecto.Type

      def type, do: :string
      def cast(text), do: {:ok, text}
      def load(text), do: {:ok, String.upcase(text)}
      def dump(text), do: {:ok, String.downcase(text)}
    end

    defmodule Picky do
      @moduledoc false
      # Loads nothing, and quotes what it does not load.
      use Ecto.Type

      def type, do: :string
      def cast(text), do: {:ok, text}
      def load(text), do: raise("cannot load #{text}")
      def dump(text), do: {:ok, text}
    end

    defmodule Item do
      @moduledoc false
      use Ecto.Schema

      embedded_schema do
        field(:name, :string)
        field(:price, :decimal)
        field(:on, :date)
      end
    end

    defmodule Customer do
      @moduledoc false
      use Ecto.Schema

      @primary_key {:id, :binary_id, autogenerate: true}
      schema "customers" do
        field(:name, :string)
        has_many(:orders, PgEtf.Shop.Order)
      end
    end

    defmodule Order do
      @moduledoc false
      use Ecto.Schema

      @primary_key {:id, :binary_id, autogenerate: true}
      @foreign_key_type :binary_id
      schema "orders" do
        field(:token, Ecto.UUID)
        field(:tokens, {:array, Ecto.UUID})
        field(:state, Ecto.Enum, values: [:new, :paid], source: :status)
        field(:kinds, {:array, Ecto.Enum}, values: [gift: 1, sale: 2])
        field(:code, Upcase)
        field(:total, :decimal)
        field(:weight, :float)
        field(:data, :map)
        field(:counts, {:map, :integer})
        field(:bytes, :binary)
        field(:day, :date)
        field(:at_time, :time)
        field(:seen_at, :utc_datetime_usec)
        field(:note, :string, default: "none")
        field(:guess, :string, virtual: true)
        belongs_to(:customer, PgEtf.Shop.Customer)
        embeds_one(:first, Item)
        embeds_many(:items, Item)
        timestamps(type: :utc_datetime)
      end
    end

    def sql do
      """
      CREATE TABLE customers (id uuid PRIMARY KEY, name text);
      CREATE TABLE orders (id uuid PRIMARY KEY, token uuid, tokens uuid[], status text,
        kinds int[], code text, total numeric, weight float8, data jsonb, counts jsonb,
        bytes bytea, day date, at_time time(0), seen_at timestamptz, note text,
        customer_id uuid REFERENCES customers, first jsonb, items jsonb,
        inserted_at timestamp(0), updated_at timestamp(0));
      """
    end

    def order(more \\ []) do
      item = fn name ->
        price = Decimal.new("1.50")
        %Item{id: Ecto.UUID.generate(), name: name, price: price, on: ~D[2026-11-01]}
      end

      struct!(
        %Order{
          id: Ecto.UUID.generate(),
          token: Ecto.UUID.generate(),
          tokens: [Ecto.UUID.generate(), nil],
          state: :paid,
          kinds: [:gift, :sale],
          code: "ABC",
          total: Decimal.new("12.30"),
          weight: 2.0,
          data: %{"a" => [1, %{"b" => nil}]},
          counts: %{"x" => 1},
          bytes: <<0, 255>>,
          day: ~D[2026-02-28],
          at_time: ~T[12:30:00],
          seen_at: ~U[2026-11-01 10:00:00.123456Z],
          note: "a \"note\"",
          first: item.("pen"),
          items: [item.("ink"), item.("pad")],
          inserted_at: ~U[2026-11-01 10:00:00Z],
          updated_at: ~U[2026-11-01 10:00:00Z]
        },
        more
      )
    end
  end
end
