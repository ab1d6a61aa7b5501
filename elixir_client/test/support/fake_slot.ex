defmodule PgEtf.FakeSlot do
  @moduledoc false
  # A slot with a fixed log, and the client program that reads from it, in one
  # process: for faults that a real server does not make on demand.
  #
  # It sends frames against credit only, in commit order from the confirmed
  # position, several in a packet and counted as docs/port.md says, and writes down
  # each breach of the protocol by the other side. test/integration/account_test.exs
  # holds its counting against that of the real program.

  use GenServer

  @behaviour PgEtf.Client

  alias PgEtf.Error
  alias PgEtf.FakeSlot.Log

  ## For tests

  @doc """
  Starts a slot whose log has a transaction of each of the given sizes.

  Options: `:frame`, changes in a frame; `:packet`, frames in a packet at most;
  `:row_bytes`, added to each row; `:uncounted`, events before rows, as PgEtf.FakeSlot.Log
  has them; `:busy?`, another reads it until free/2; `:kept`, `:later`: the test tells which.
  """
  def start(sizes, opts \\ []) do
    name = :"slot_#{System.unique_integer([:positive])}"
    {:ok, _} = GenServer.start_link(__MODULE__, {sizes, opts}, name: name)
    Atom.to_string(name)
  end

  def append(slot, sizes), do: GenServer.call(server(slot), {:append, sizes})
  def confirmed(slot), do: GenServer.call(server(slot), :confirmed)
  def breaches(slot), do: GenServer.call(server(slot), :breaches)
  def runs(slot), do: GenServer.call(server(slot), :runs)
  def settings(slot), do: GenServer.call(server(slot), :settings)

  @doc "Does something to the account of what was sent, as a wrong program would."
  def miscount(slot, fun), do: to_program(slot, {:miscount, fun})

  @doc "Believes in a grant that nobody made."
  def grant(slot, total), do: to_program(slot, {:grant, total})

  @doc "Has more to say in its statistics."
  def report(slot, more), do: to_program(slot, {:report, more})

  @doc "Loses the grants from now on, or no more."
  def lose_grants(slot, lose?), do: to_program(slot, {:lose_grants, lose?})

  @doc "Sends a packet as if the program had."
  def inject(slot, packet), do: to_program(slot, {:inject, packet})

  @doc "The server is at a position, and nothing is in flight."
  def position(slot, lsn), do: to_program(slot, {:position, lsn})

  @doc "The other reader has gone, and has confirmed so much."
  def free(slot, lsn), do: to_program(slot, {:free, lsn})

  @doc "What it was told of backfills, in order."
  def commands(slot), do: GenServer.call(server(slot), :commands)

  @doc """
  Sends a report of a backfill. A `:read` sends rows of table "t" as those of a chunk, by
  their ids; they count against the credit unless `:free`.
  """
  def backfill(slot, what, id, details \\ %{})

  def backfill(slot, :read, ref, {:free, rows}), do: to_program(slot, {:read, ref, rows, false})
  def backfill(slot, :read, ref, rows), do: to_program(slot, {:read, ref, rows, true})
  def backfill(slot, what, id, details), do: inject(slot, {:backfill, what, id, details})

  @doc "The program dies."
  def kill(slot, class \\ :port), do: to_program(slot, {:kill, class})

  @doc "The program stops to answer, without dying."
  def freeze(slot), do: to_program(slot, :freeze)

  @doc "Loses the connection inside a transaction: it comes again from its start."
  def reconnect(slot), do: to_program(slot, :reconnect)

  @doc """
  Waits until what the slot and these processes have to say to each other is said, so
  that what has not come by then does not come.
  """
  def settle(slot, pids) do
    for _ <- 1..3, pid <- [server(slot) | pids], do: :sys.get_state(pid)
    :ok
  end

  defdelegate end_lsn(transaction), to: Log
  defdelegate cost(bytes, first?), to: Log

  defp server(slot), do: String.to_existing_atom(slot)

  # A stream opens its program after its start, not in it.
  defp to_program(slot, request) do
    with :not_open <- GenServer.call(server(slot), {:program, request}) do
      Process.sleep(1)
      to_program(slot, request)
    end
  end

  ## PgEtf.Client

  @impl PgEtf.Client
  def open(settings, opts) do
    slot = server(opts[:slot])
    ref = make_ref()
    :ok = GenServer.call(slot, {:open, self(), ref, settings})
    {:ok, {slot, ref}}
  end

  @impl PgEtf.Client
  def command({slot, ref}, command) do
    GenServer.cast(slot, {:command, ref, command})
  end

  @impl PgEtf.Client
  def handle_message({_slot, ref}, {__MODULE__, ref, message}) do
    case message do
      {:packet, term} -> {:packet, :erlang.term_to_binary(term)}
      down -> down
    end
  end

  def handle_message(_conn, _message), do: :unknown

  @impl PgEtf.Client
  def close({slot, ref}, timeout) do
    GenServer.call(slot, {:close, ref, timeout})
    flush(ref)
  catch
    # At the end of a test the slot may be gone before the producer.
    :exit, _ -> :ok
  end

  # Nothing of a closed port is left behind.
  defp flush(ref) do
    receive do
      {__MODULE__, ^ref, _} -> flush(ref)
    after
      0 -> :ok
    end
  end

  ## Server

  @impl GenServer
  def init({sizes, opts}) do
    {:ok,
     %{
       log: Log.new(sizes, 1, 0),
       frame: opts[:frame] || 10,
       packet: opts[:packet] || 20,
       padding: String.duplicate("x", opts[:row_bytes] || 0),
       uncounted: opts[:uncounted] || %{},
       busy?: opts[:busy?] || false,
       kept: opts[:kept] || [],
       confirmed: 0,
       breaches: [],
       commands: [],
       runs: 0,
       settings: nil,
       conn: nil
     }}
  end

  @impl GenServer
  def handle_call({:open, owner, ref, settings}, _from, state) do
    conn = %{
      owner: owner,
      ref: ref,
      granted: {settings.credit_events, settings.credit_bytes},
      sent: {0, 0},
      delivered: MapSet.new(),
      described: false,
      frozen: false,
      deaf: false,
      free_at: nil,
      keys: 0,
      more: %{},
      position: nil
    }

    state = breach(state, state.conn != nil, "opened twice")
    conn = %{conn | position: start_of(state, settings)}
    state = %{state | conn: conn, runs: state.runs + 1, settings: settings}
    {:reply, :ok, connected(state)}
  end

  def handle_call({:append, sizes}, _from, state) do
    {last, rows} = List.last(state.log, {0, [-1]})
    more = Log.new(sizes, last + 1, (List.last(rows) || -1) + 1)
    state = %{state | log: state.log ++ more}
    {:reply, :ok, deliver(state)}
  end

  def handle_call(:confirmed, _from, state), do: {:reply, state.confirmed, state}
  def handle_call(:breaches, _from, state), do: {:reply, state.breaches, state}
  def handle_call(:commands, _from, state), do: {:reply, Enum.reverse(state.commands), state}
  def handle_call(:runs, _from, state), do: {:reply, state.runs, state}
  def handle_call(:settings, _from, state), do: {:reply, state.settings, state}

  def handle_call({:program, _request}, _from, %{conn: nil} = state) do
    {:reply, :not_open, state}
  end

  def handle_call({:program, request}, from, state), do: handle_call(request, from, state)

  def handle_call({:inject, packet}, _from, state) do
    packet(state, packet)
    {:reply, :ok, state}
  end

  def handle_call({:position, lsn}, _from, state) do
    packet(state, {:position, lsn})
    {:reply, :ok, update_in(state.conn.delivered, &MapSet.put(&1, lsn))}
  end

  def handle_call({:free, lsn}, _from, state) do
    packet(state, {:standby, :free, %{confirmed_lsn: lsn}})
    state = put_in(state.conn.free_at, lsn)
    {:reply, :ok, %{state | busy?: false, confirmed: lsn}}
  end

  def handle_call({:read, ref, rows, counted?}, _from, %{conn: conn} = state) do
    frames = [Log.read(ref, rows)]
    packet(state, frames)
    bytes = byte_size(:erlang.term_to_binary(frames))
    sent = if counted?, do: Log.spend(conn.sent, length(rows), bytes), else: conn.sent
    {:reply, :ok, %{state | conn: %{conn | sent: sent}}}
  end

  def handle_call({:miscount, fun}, _from, state) do
    {:reply, :ok, update_in(state.conn.sent, fun)}
  end

  def handle_call({:grant, total}, _from, state) do
    {:reply, :ok, put_in(state.conn.granted, total)}
  end

  def handle_call({:report, more}, _from, state) do
    {:reply, :ok, put_in(state.conn.more, more)}
  end

  def handle_call({:lose_grants, lose?}, _from, state) do
    {:reply, :ok, put_in(state.conn.deaf, lose?)}
  end

  def handle_call({:kill, class}, _from, %{conn: conn} = state) do
    error = %Error{class: class, message: "killed by the test"}
    send(conn.owner, {__MODULE__, conn.ref, {:down, error}})
    {:reply, :ok, %{state | conn: nil}}
  end

  def handle_call(:freeze, _from, state), do: {:reply, :ok, put_in(state.conn.frozen, true)}

  def handle_call(:reconnect, _from, %{conn: conn} = state) do
    {n, _row} = conn.position
    packet(state, {:rewind, n * 100})
    {:reply, :ok, deliver(%{state | conn: %{conn | position: {n, 0}, described: false}})}
  end

  def handle_call({:close, ref, _timeout}, _from, %{conn: %{ref: ref}} = state) do
    {:reply, :ok, %{state | conn: nil}}
  end

  def handle_call({:close, _ref, _timeout}, _from, state), do: {:reply, :ok, state}

  @impl GenServer
  def handle_cast({:command, ref, command}, %{conn: %{ref: ref, frozen: false}} = state) do
    {:noreply, obey(command, state)}
  end

  def handle_cast({:command, _ref, _command}, state), do: {:noreply, state}

  defp obey({:credit, _events, _bytes}, %{conn: %{deaf: true}} = state), do: state

  defp obey({:credit, events, bytes}, %{conn: %{granted: {had, had_bytes}} = conn} = state) do
    state
    |> breach(events < had or bytes < had_bytes, "a grant went back to #{events}, #{bytes}")
    |> Map.put(:conn, %{conn | granted: {max(events, had), max(bytes, had_bytes)}})
    |> deliver()
  end

  defp obey({:flushed, lsn}, state) do
    state
    |> breach(lsn < state.confirmed, "flushed went back to #{lsn}")
    |> breach(lsn not in state.conn.delivered, "flushed #{lsn}, which was not delivered")
    |> Map.put(:confirmed, lsn)
  end

  defp obey({:go, lsn, seen}, %{conn: conn} = state) do
    settings = Map.put(state.settings, :startpos, lsn)
    state = breach(state, conn.free_at != seen, "go, but the slot was not free at #{seen}")
    conn = %{conn | free_at: nil, position: start_of(state, settings)}
    connected(%{state | conn: conn, settings: settings})
  end

  defp obey(:stats, %{conn: %{sent: {events, bytes}, granted: granted}} = state) do
    totals = %{
      state: if(spent?(state.conn), do: :stalled, else: :streaming),
      sent_events: events,
      sent_bytes: bytes,
      granted_events: elem(granted, 0),
      granted_bytes: elem(granted, 1)
    }

    packet(state, {:stats, Log.stats() |> Map.merge(totals) |> Map.merge(state.conn.more)})
    state
  end

  @backfill ~w(backfill backfill_done backfill_keys backfill_retry backfill_stop)a ++
              ~w(backfill_pause backfill_resume)a

  defp obey(command, %{conn: conn} = state) when elem(command, 0) in @backfill do
    keys = if elem(command, 0) == :backfill_keys, do: conn.keys + 1, else: conn.keys
    if keys > conn.keys and state.kept != :later, do: keep(state, keys)
    %{state | commands: [command | state.commands], conn: %{conn | keys: keys}}
  end

  defp obey(other, state), do: breach(state, true, "unknown command #{inspect(other)}")

  defp keep(state, keys), do: packet(state, {:keys_kept, %{commands: keys}})

  defp breach(state, false, _text), do: state
  defp breach(state, true, text), do: %{state | breaches: [text | state.breaches]}

  ## Delivery

  defp connected(%{busy?: true} = state) do
    packet(state, {:status, :standby, %{holder_pid: 1, confirmed_lsn: 0, since: 0}})
    state
  end

  defp connected(state) do
    packet(state, {:status, :connected, %{}})
    if state.kept == [], do: packet(state, {:backfills, %{kept: []}})
    deliver(state)
  end

  defp deliver(%{conn: nil} = state), do: state

  defp deliver(state) do
    case batch(state, []) do
      {state, []} ->
        state

      {state, frames} ->
        packet(state, frames)
        deliver(state)
    end
  end

  defp batch(%{packet: most} = state, frames) when length(frames) == most do
    {state, Enum.reverse(frames)}
  end

  defp batch(%{conn: %{position: {n, first}} = conn} = state, frames) do
    with {^n, rows} <- List.keyfind(state.log, n, 0),
         {rows, rest} = rows |> Enum.drop(first) |> Enum.split(state.frame),
         true <- allowed?(conn, rows) do
      last? = rest == []
      frame = Log.frame(n, first, rows, last?, state.padding, conn.described, state.uncounted)

      conn = %{
        conn
        | sent:
            Log.spend(
              conn.sent,
              length(rows),
              Log.cost(byte_size(:erlang.term_to_binary(frame)), frames == [])
            ),
          described: true,
          delivered: if(last?, do: MapSet.put(conn.delivered, end_lsn(n)), else: conn.delivered),
          position: if(last?, do: {n + 1, 0}, else: {n, first + length(rows)})
      }

      batch(%{state | conn: conn}, [frame | frames])
    else
      _ -> {state, Enum.reverse(frames)}
    end
  end

  defp allowed?(%{frozen: true}, _rows), do: false
  defp allowed?(%{free_at: lsn}, _rows) when lsn != nil, do: false
  defp allowed?(_conn, []), do: true
  defp allowed?(conn, _rows), do: not spent?(conn)

  defp spent?(%{sent: {events, bytes}, granted: {most_events, most_bytes}}) do
    events >= most_events or bytes >= most_bytes
  end

  defp packet(%{conn: conn}, term), do: send(conn.owner, {__MODULE__, conn.ref, {:packet, term}})

  defp start_of(state, settings) do
    {Log.after_lsn(state.log, max(state.confirmed, settings[:startpos] || 0)), 0}
  end
end
