%% The other side of the Port, driven line by line from a test.
%%
%%   erl -noshell -pa DIR -s port_driver main PROGRAM
%%
%% Each line of input is a term and a full stop:
%%
%%   {send, Term}           send a command as it is: {start, Map}, stop, ...
%%   {raw, Binary}          send a packet that may be garbage
%%   {credit, E, B}         grant so much more than before
%%   {auto, refill | ack}   from now on give back the credit of each packet,
%%                          or acknowledge each transaction
%%   {auto, quiet}          from now on do not show frames
%%   {auto, done}           from now on answer each close of a chunk
%%   {slow, Ms}             sleep before each packet
%%   frames                 show how many frames came, the last end, and how
%%                          many packets brought them
%%   ack                    acknowledge all that was delivered
%%   close                  close the port
%%   quit
%%
%% Each line of output is one thing that came: a frame as
%% {frame, Kind, Part, CommitLsn, EndLsn, FirstIndex, Count, Rows}, any other
%% packet as it is, {exit, Status}, {violation, What}.  What was read of a table
%% is shown as {read, Id, Chunk, Count, Rows}, and its state not at all.    Rows are the numbers
%% in the first column of inserted rows; a test makes its tables so.
%%
%% What came is counted as docs/port.md says, held against the credit, and
%% compared with the client's account in each stats packet.
-module(port_driver).

-export([main/1, show/1]).

-record(state, {
    port,
    granted = {0, 0},
    received = {0, 0},
    last_end = 0,
    refill = false,
    ack = false,
    done = false,
    state = none,
    open = none,
    frames = 0,
    packets = 0,
    quiet = false,
    slow = 0
}).

main([Program]) ->
    Owner = self(),
    ok = io:setopts(standard_io, [{encoding, unicode}]),
    process_flag(trap_exit, true),
    Port = open_port(
        {spawn_executable, atom_to_list(Program)},
        [{args, ["--port"]}, {packet, 4}, binary, exit_status, use_stdio, hide]
    ),
    show(erlang:port_info(Port, os_pid)),
    spawn_link(fun() -> read_lines(Owner) end),
    loop(#state{port = Port}).

read_lines(Owner) ->
    case io:read("") of
        {ok, Command} ->
            Owner ! {command, Command},
            read_lines(Owner);
        _ ->
            Owner ! {command, quit}
    end.

loop(#state{port = Port} = State) ->
    receive
        {command, Command} ->
            loop(command(Command, State));
        {Port, {data, Packet}} ->
            timer:sleep(State#state.slow),
            loop(packet(binary_to_term(Packet), Packet, State));
        {Port, {exit_status, Status}} ->
            show({exit, Status}),
            loop(State);
        {'EXIT', Port, Reason} ->
            show({port_closed, Reason}),
            loop(State);
        {'EXIT', _, _} ->
            loop(State)
    end.

send(Term, #state{port = Port}) ->
    try
        port_command(Port, term_to_binary(Term))
    catch
        error:badarg -> show(port_is_closed)
    end.

command({send, {start, Map} = Start}, State) ->
    send(Start, State),
    State#state{granted = {maps:get(credit_events, Map, 0), maps:get(credit_bytes, Map, 0)}};
%% Who writes to a program that ends may get EPIPE, and no exit status.
command({send, stop}, State) ->
    send(stop, State),
    State#state{ack = false, refill = false};
command({send, Term}, State) ->
    send(Term, State),
    State;
command({raw, Binary}, #state{port = Port} = State) ->
    port_command(Port, Binary),
    State;
command({credit, Events, Bytes}, State) ->
    Granted = {E, B} = add(State#state.granted, {Events, Bytes}),
    send({credit, E, B}, State),
    State#state{granted = Granted};
command({auto, refill}, State) ->
    State#state{refill = true};
command({auto, ack}, State) ->
    State#state{ack = true};
command({auto, done}, State) ->
    State#state{done = true};
%% From where the last process left a backfill, as it told its consumer.
command({send_with_state, {backfill, Id, Map}}, #state{state = Binary} = State) ->
    send({backfill, Id, Map#{state => Binary}}, State),
    State;
command({save_state, File}, #state{state = Binary} = State) ->
    ok = file:write_file(File, Binary),
    show(saved),
    State;
command({load_state, File}, State) ->
    {ok, Binary} = file:read_file(File),
    State#state{state = Binary};
command({auto, quiet}, State) ->
    State#state{quiet = true};
command({slow, Ms}, State) ->
    State#state{slow = Ms};
command(frames, State) ->
    show({frames, State#state.frames, State#state.last_end, State#state.packets}),
    State;
command(ack, State) ->
    send({flushed, State#state.last_end}, State),
    State;
command(close, #state{port = Port} = State) ->
    port_close(Port),
    State;
command(quit, _) ->
    halt(0).

packet(Frames, Packet, State) when is_list(Frames) ->
    Cost = {lists:sum([count(Frame) || Frame <- Frames]), byte_size(Packet)},
    Received = add(State#state.received, Cost),
    within(Received, State#state.granted) orelse
        overdrawn(Frames, Packet, State) andalso show({violation, credit}),
    State2 = State#state{received = Received, packets = State#state.packets + 1},
    refill(Cost, lists:foldl(fun frame/2, State2, Frames));
packet({stats, #{sent_events := Events, sent_bytes := Bytes}} = Stats, _, State) ->
    show(Stats),
    {Events, Bytes} =:= State#state.received orelse
        show({violation, {account, {Events, Bytes}, State#state.received}}),
    State;
packet({position, Lsn} = Position, _, State) ->
    show(Position),
    State#state.open =:= none andalso Lsn >= State#state.last_end orelse
        show({violation, {position, Lsn, State#state.open, State#state.last_end}}),
    acknowledge(Lsn, State);
packet({backfill, state, _, Binary}, _, State) ->
    State#state{state = Binary};
packet({backfill, close, Id, #{chunk := Chunk}} = Close, _, #state{done = Done} = State) ->
    show(Close),
    Done andalso send({backfill_done, Id, Chunk}, State),
    State#state.open =:= none orelse show({violation, {close_within, State#state.open}}),
    State;
packet(Term, _, State) ->
    show(Term),
    State.

add({A, B}, {C, D}) -> {A + C, B + D}.

within({E, B}, {Events, Bytes}) -> E =< Events andalso B =< Bytes.

count({tx, _, _, _, Count, _, _}) -> Count;
count({prepare, _, _, _, Count, _, _}) -> Count;
count({read, _, Count, _}) -> Count;
count(_) -> 1.

%% A frame may overdraw what is left, but not start when nothing is left.
overdrawn(Frames, <<131, $l, _:32, Terms/binary>>, #state{received = Received} = State) ->
    overdrawn(Frames, Terms, add(Received, {0, 7}), State#state.granted, Received).

overdrawn([], _, _, _, _) ->
    false;
overdrawn([Frame | Frames], Terms, After, {Events, Bytes} = Granted, {E, B}) ->
    {Frame, Used} = binary_to_term(<<131, Terms/binary>>, [used]),
    Size = Used - 1,
    <<_:Size/binary, Rest/binary>> = Terms,
    Next = add(After, {count(Frame), Size}),
    count(Frame) > 0 andalso (E >= Events orelse B >= Bytes) orelse
        overdrawn(Frames, Rest, Next, Granted, Next).

frame({read, {Id, Chunk}, Count, Events}, #state{open = Open} = State) ->
    Rows = [row(Row) || {read, _, Row} <- Events],
    State#state.quiet orelse io:format("{read,~ts,~w,~w,~w}.~n", [Id, Chunk, Count, Rows]),
    length(Rows) =:= Count orelse show({violation, {count, Count, length(Rows)}}),
    Open =:= none orelse show({violation, {read_within, Open}}),
    State#state{frames = State#state.frames + 1};
frame(Frame, State) ->
    {Shown, End} = summary(Frame),
    State#state.quiet orelse show(Shown),
    State2 = follow(Frame, State#state{frames = State#state.frames + 1}),
    case End of
        none -> State2;
        _ -> acknowledge(End, State2)
    end.

refill({Events, Bytes}, #state{refill = true} = State) ->
    command({credit, Events, Bytes}, State);
refill(_, State) ->
    State.

%% Frames of a transaction follow each other without a hole.
follow({prepare, Part, Position, First, Count, Meta, Events}, State) ->
    follow({tx, Part, Position, First, Count, Meta, Events}, State);
follow({tx, Part, {_, Commit, _, _}, First, Count, _, _}, #state{open = Open} = State) ->
    case {Part, Open} of
        {whole, none} -> ok;
        {first, none} -> ok;
        {_, {Commit, First}} when Part =:= middle; Part =:= last -> ok;
        {_, {Commit, _}} when Part =:= first; Part =:= whole -> ok;
        _ -> show({violation, {order, Part, Commit, First, Open}})
    end,
    case Part of
        _ when Part =:= first; Part =:= middle -> State#state{open = {Commit, First + Count}};
        _ -> State#state{open = none}
    end;
follow(_, State) ->
    State.

acknowledge(Lsn, #state{ack = Ack} = State) ->
    Ack andalso send({flushed, Lsn}, State),
    State#state{last_end = Lsn}.

summary({Tag, Part, {_, Commit, End, _}, First, Count, _, Events}) ->
    Rows = [row(New) || {insert, _, New} <- Events],
    Shown = {frame, Tag, Part, Commit, End, First, Count, Rows},
    case Part of
        _ when Part =:= whole; Part =:= last -> {Shown, End};
        _ -> {Shown, none}
    end;
summary({Tag, {_, Lsn, End, _}, #{gid := Gid}}) ->
    {{frame, Tag, whole, Lsn, End, 0, 1, [Gid]}, End};
summary({message, Lsn, Prefix, Content}) ->
    {{frame, message, whole, Lsn, Lsn, 0, 1, [Prefix, Content]}, Lsn}.

row(Row) when is_tuple(Row) -> element(1, Row);
row(#{<<"id">> := Id}) -> Id;
row(_) -> none.

%% Numbers of rows must not be taken for characters.
show(Frame) when element(1, Frame) =:= frame ->
    io:format("~tw.~n", [Frame]);
show(Term) ->
    %% Since OTP 26 keys are in order when that is asked for.
    io:format(
        case erlang:system_info(otp_release) >= "26" of
            true -> "~0ktp.~n";
            false -> "~0tp.~n"
        end,
        [Term]
    ).
