defmodule PgEtf.Fanout.Relay do
  @moduledoc false
  # Which changes go to which worker, in one epoch of a stream: what waits, what is sent and
  # not handled, and who has a partition.
  #
  # A partition has one owner, and what is sent to it comes back in the order in which it was
  # sent, so order holds within a partition. It gets another owner only when nothing of it is
  # sent, or its owner is gone: then what was sent goes to the new one, before the rest.
  #
  # An epoch begins when all that are there have answered: a worker answers when it has
  # finished what an earlier epoch gave it.
  #
  # Pure data: no process, no clock. PgEtf.Fanout.Reader owns the struct.

  alias __MODULE__

  @partitions 512
  # Changes in a message: a larger one may be of a size for which the VM maps memory from
  # the system, and gives it back.
  @message 200

  # awaited  workers of the beginning that have not answered
  # joining  those that have not answered at all: {reference => pid}
  # members  those that have, by reference
  # owners   a tuple: the reference of the owner of each partition, nil without any
  # moving   partitions whose owner is to change: how much of them is sent to the old one
  # parked   what waits for that, or for any worker; the last one first
  defstruct awaited: MapSet.new(),
            joining: %{},
            members: %{},
            owners: nil,
            moving: %{},
            parked: []

  @type seq :: non_neg_integer
  @type item :: {seq, partition :: non_neg_integer, data :: term}
  @type t :: %Relay{}

  # wire           the last form of messages that it knows
  # backlog, sent  queues of lists of items, and how many items there are
  defmodule Member do
    @moduledoc false
    defstruct [
      :pid,
      :node,
      :index,
      :window,
      wire: 1,
      backlog: {0, :queue.new()},
      sent: {0, :queue.new()}
    ]
  end

  @doc "An epoch with these workers, each under a reference of its own."
  @spec new([{pid, reference}]) :: t
  def new(workers) do
    joining = Map.new(workers, fn {pid, ref} -> {ref, pid} end)
    %Relay{joining: joining, awaited: MapSet.new(Map.keys(joining))}
  end

  @doc "Another worker."
  @spec welcome(t, pid, reference) :: t
  def welcome(relay, pid, ref), do: put_in(relay.joining[ref], pid)

  @doc "Its answer."
  @spec ready(t, reference, map) :: t
  def ready(%Relay{joining: joining} = relay, ref, about) when is_map_key(joining, ref) do
    {pid, joining} = Map.pop!(joining, ref)
    member = struct!(%Member{pid: pid}, Map.take(about, [:node, :index, :window, :wire]))
    members = Map.put(relay.members, ref, member)
    awaited = MapSet.delete(relay.awaited, ref)
    assign(%{relay | joining: joining, members: members, awaited: awaited}, [])
  end

  def ready(relay, _ref, _about), do: relay

  @doc "A worker is gone: how much goes to others."
  @spec gone(t, pid) :: {non_neg_integer, t}
  def gone(relay, pid) do
    mine = fn {_ref, %{pid: other}} -> other == pid end
    answered = Enum.find(relay.members, mine)
    refs = for {ref, ^pid} <- relay.joining, do: ref
    joining = Map.drop(relay.joining, refs)
    awaited = MapSet.difference(relay.awaited, MapSet.new(refs))
    relay = %{relay | joining: joining, awaited: awaited}

    case answered do
      {ref, %{sent: {count, _} = sent, backlog: backlog}} ->
        relay = %{relay | members: Map.delete(relay.members, ref)}
        {count, assign(relay, items(sent) ++ items(backlog))}

      nil ->
        {0, assign(relay, [])}
    end
  end

  @doc "Whether somebody could do more than waits for them."
  @spec hungry?(t) :: boolean
  def hungry?(%Relay{members: members, awaited: awaited}) do
    MapSet.size(awaited) == 0 and
      Enum.any?(members, fn {_ref, member} -> hungry_one?(member) end)
  end

  defp hungry_one?(%Member{backlog: {waiting, _}, sent: {sent, _}, window: window}) do
    waiting < worthwhile(window) and sent + waiting < window
  end

  # Changes for which a worker is sent a message while it has others to handle. To send and
  # to acknowledge one costs more than some ten changes.
  defp worthwhile(window), do: window |> div(2) |> min(@message) |> max(1)

  @doc "Adds what is to be handled, by the number of its key."
  @spec put(t, [{term, seq}], (term -> non_neg_integer)) :: t
  def put(relay, data, by) do
    items = for {data, seq} <- data, do: {seq, rem(by.(data), @partitions), data}
    route(relay, items)
  end

  @doc """
  Sends what waits to workers that may have more. The function sends, or returns false: it
  waits on.
  """
  @spec flush(t, (pid, reference, [term] -> boolean)) :: t
  def flush(%Relay{} = relay, send) do
    %{relay | members: Map.new(relay.members, &flush_one(&1, send))}
  end

  defp flush_one({ref, %Member{sent: sent} = member}, send) do
    room = room(member)

    with true <- room > 0,
         {items, backlog} = take(member.backlog, room),
         true <- send.(member.pid, ref, for({_, _, data} <- items, do: data)) do
      flush_one({ref, %{member | backlog: backlog, sent: add(sent, items)}}, send)
    else
      _ -> {ref, member}
    end
  end

  defp room(%Member{backlog: {waiting, _}, sent: {sent, _}, window: window}) do
    room = waiting |> min(window - sent) |> min(@message)
    if sent == 0 or room >= worthwhile(window), do: room, else: 0
  end

  @doc "A worker has done with the oldest so many of those that it was sent."
  @spec done(t, reference, pos_integer) :: {[item], t}
  def done(%Relay{members: members} = relay, ref, count) do
    case members do
      %{^ref => member} ->
        {items, sent} = take(member.sent, count)
        relay = %{relay | members: %{members | ref => %{member | sent: sent}}}
        {items, settle(relay, items)}

      %{} ->
        {[], relay}
    end
  end

  # The last of a partition that was sent to its old owner.
  defp settle(%Relay{moving: moving} = relay, _items) when moving == %{}, do: relay

  defp settle(relay, items) do
    moving = Enum.reduce(items, relay.moving, &moved/2)

    if map_size(moving) < map_size(relay.moving),
      do: route(%{relay | moving: moving, parked: []}, :lists.reverse(relay.parked)),
      else: %{relay | moving: moving}
  end

  defp moved({_seq, partition, _data}, moving) do
    case moving do
      %{^partition => 1} -> Map.delete(moving, partition)
      %{^partition => count} -> %{moving | partition => count - 1}
      %{} -> moving
    end
  end

  @doc "Whether a reference is that of a worker that has answered."
  @spec member?(t, reference) :: boolean
  def member?(%Relay{members: members}, ref), do: is_map_key(members, ref)

  @doc "The last form of messages that a worker knows."
  @spec wire(t, reference) :: pos_integer
  def wire(%Relay{members: members}, ref), do: members[ref].wire

  @doc "How much was sent and is not handled."
  @spec in_flight(t) :: non_neg_integer
  def in_flight(%Relay{members: members}) do
    members |> Enum.map(fn {_ref, %{sent: {count, _}}} -> count end) |> Enum.sum()
  end

  @doc "The nodes that take part: workers, partitions, what is sent to them, what waits."
  @spec nodes(t) :: %{optional(node) => map}
  def nodes(%Relay{members: members, owners: owners}) do
    partitions = if owners, do: owners |> Tuple.to_list() |> Enum.frequencies(), else: %{}
    none = %{workers: 0, partitions: 0, in_flight: 0, waiting: 0}

    Enum.reduce(members, %{}, fn {ref, member}, nodes ->
      {{waiting, _}, {sent, _}} = {member.backlog, member.sent}
      one = %{workers: 1, partitions: partitions[ref] || 0, in_flight: sent, waiting: waiting}
      Map.update(nodes, member.node, Map.merge(none, one), &sum(&1, one))
    end)
  end

  defp sum(a, b), do: Map.merge(a, b, fn _key, x, y -> x + y end)

  ## Who has what

  # All that is not sent finds its way again, with what has lost its worker. Before the
  # beginning nothing is sent.
  defp assign(%Relay{members: members} = relay, lost) do
    begun? = MapSet.size(relay.awaited) == 0
    owners = if begun?, do: owners(members)
    waiting = for {_ref, member} <- members, item <- items(member.backlog), do: item
    loose = List.keysort(lost ++ waiting ++ relay.parked, 0)
    none = {0, :queue.new()}
    members = Map.new(members, fn {ref, member} -> {ref, %{member | backlog: none}} end)
    moving = if owners, do: moving(members, owners), else: %{}
    route(%{relay | members: members, owners: owners, moving: moving, parked: []}, loose)
  end

  defp moving(members, owners) do
    for {ref, member} <- members,
        {_seq, partition, _data} <- items(member.sent),
        elem(owners, partition) != ref,
        reduce: %{} do
      moving -> Map.update(moving, partition, 1, &(&1 + 1))
    end
  end

  # Rendezvous: first a node, then one of its workers. What a node has that stays, stays.
  defp owners(members) when members == %{}, do: nil

  defp owners(members) do
    nodes = Enum.group_by(members, fn {_, member} -> member.node end)
    names = Map.keys(nodes)

    for partition <- 0..(@partitions - 1) do
      name = Enum.max_by(names, &:erlang.phash2({&1, partition}))

      {ref, _} =
        Enum.max_by(nodes[name], fn {_, %{index: i}} -> :erlang.phash2({partition, i}) end)

      ref
    end
    |> List.to_tuple()
  end

  ## The way to a worker

  defp route(relay, []), do: relay
  defp route(%{owners: nil} = relay, items), do: park(relay, items)

  defp route(%{moving: moving} = relay, items) when moving == %{}, do: deal(relay, items)

  defp route(relay, items) do
    {parked, free} = Enum.split_with(items, fn {_, p, _} -> is_map_key(relay.moving, p) end)
    relay |> park(parked) |> deal(free)
  end

  defp park(relay, items), do: %{relay | parked: :lists.reverse(items, relay.parked)}

  defp deal(%Relay{owners: owners} = relay, items) do
    items
    |> Enum.group_by(fn {_seq, partition, _data} -> elem(owners, partition) end)
    |> Enum.reduce(relay, fn {ref, items}, relay ->
      update_in(relay.members[ref].backlog, &add(&1, items))
    end)
  end

  ## Queues of lists, each with its length

  defp add({count, queue}, items) do
    length = length(items)
    {count + length, :queue.in({length, items}, queue)}
  end

  defp items({_count, queue}), do: for({_, list} <- :queue.to_list(queue), item <- list, do: item)

  defp take({count, queue}, wanted), do: take(count, queue, wanted, [])

  defp take(count, queue, wanted, taken) do
    case :queue.out(queue) do
      {{:value, {length, list}}, queue} when length <= wanted ->
        take(count - length, queue, wanted - length, [list | taken])

      {{:value, {length, list}}, queue} when wanted > 0 ->
        {some, rest} = Enum.split(list, wanted)
        queue = :queue.in_r({length - wanted, rest}, queue)
        take(count - wanted, queue, 0, [some | taken])

      _ ->
        {taken |> :lists.reverse() |> :lists.append(), {count, queue}}
    end
  end
end
