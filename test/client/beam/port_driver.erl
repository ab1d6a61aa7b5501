%% The other side of the Port, driven line by line from a test.
%%
%%   erl -noshell -pa DIR -s port_driver main PROGRAM
%%
%% Each line of input is a term and a full stop:
%%
%%   {send, Term}           send a command as it is: {start, Map}, stop, ...
%%   {raw, Binary}          send a packet that may be garbage
%%   {credit, E, B}         grant credit, and count it
%%   {auto, refill | ack}   from now on give back the credit of each frame,
%%                          or acknowledge each transaction
%%   {auto, quiet}          from now on do not show frames
%%   {slow, Ms}             sleep before each packet
%%   frames                 show how many frames came, the last end, and how
%%                          many packets brought them
%%   ack                    acknowledge all that was delivered
%%   close                  close the port
%%   quit
%%
%% Each line of output is one thing that came: a frame as
%% {frame, Kind, Part, CommitLsn, EndLsn, FirstIndex, Count, Rows}, any other
%% packet as it is, {exit, Status}, {violation, What}.  Rows are the numbers
%% in the first column of inserted rows; a test makes its tables so.
-module(port_driver).

-export([main/1]).

-record(state, {
    port,
    events = 0,
    bytes = 0,
    last_end = 0,
    refill = false,
    ack = false,
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
            loop(packet(binary_to_term(Packet), State));
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
    State#state{
        events = maps:get(credit_events, Map, 0),
        bytes = maps:get(credit_bytes, Map, 0)
    };
command({send, Term}, State) ->
    send(Term, State),
    State;
command({raw, Binary}, #state{port = Port} = State) ->
    port_command(Port, Binary),
    State;
command({credit, Events, Bytes} = Credit, State) ->
    send(Credit, State),
    State#state{
        events = State#state.events + Events,
        bytes = State#state.bytes + Bytes
    };
command({auto, refill}, State) ->
    State#state{refill = true};
command({auto, ack}, State) ->
    State#state{ack = true};
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

packet(Frames, State) when is_list(Frames) ->
    lists:foldl(fun frame/2, State#state{packets = State#state.packets + 1}, Frames);
packet({position, Lsn} = Position, State) ->
    show(Position),
    State#state.open =:= none andalso Lsn >= State#state.last_end orelse
        show({violation, {position, Lsn, State#state.open, State#state.last_end}}),
    acknowledge(Lsn, State);
packet(Term, State) ->
    show(Term),
    State.

%% A frame may overdraw what is left, but not start when nothing is left.
frame(Frame, State) ->
    {Shown, Count, End} = summary(Frame),
    Overdrawn = Count > 0 andalso (State#state.events =< 0 orelse State#state.bytes =< 0),
    Overdrawn andalso show({violation, credit}),
    State#state.quiet orelse show(Shown),
    State2 = follow(Frame, State#state{
        events = State#state.events - Count,
        bytes = State#state.bytes - byte_size(term_to_binary(Frame)),
        frames = State#state.frames + 1
    }),
    State3 = refill(Count, byte_size(term_to_binary(Frame)), State2),
    case End of
        none -> State3;
        _ -> acknowledge(End, State3)
    end.

refill(Count, Bytes, #state{refill = true} = State) when Count > 0 ->
    command({credit, Count, Bytes}, State);
refill(_, _, State) ->
    State.

%% Frames of a transaction follow each other without a hole.
follow({tx, Part, {_, Commit, _, _}, First, Count, _, _}, #state{open = Open} = State) ->
    case {Part, Open} of
        {whole, none} -> ok;
        {first, none} -> ok;
        {_, {Commit, First}} when Part =:= middle; Part =:= last -> ok;
        {first, {Commit, _}} -> ok;
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

summary({tx, Part, {_, Commit, End, _}, First, Count, _, Events}) ->
    Rows = [row(New) || {insert, _, New} <- Events],
    Shown = {frame, tx, Part, Commit, End, First, Count, Rows},
    case Part of
        _ when Part =:= whole; Part =:= last -> {Shown, Count, End};
        _ -> {Shown, Count, none}
    end;
summary({message, Lsn, Prefix, Content}) ->
    {{frame, message, whole, Lsn, Lsn, 0, 1, [Prefix, Content]}, 1, Lsn}.

row(Row) when is_tuple(Row) -> element(1, Row);
row(#{<<"id">> := Id}) -> Id;
row(_) -> none.

%% Numbers of rows must not be taken for characters.
show(Frame) when element(1, Frame) =:= frame ->
    io:format("~tw.~n", [Frame]);
show(Term) ->
    io:format("~0tp.~n", [Term]).
