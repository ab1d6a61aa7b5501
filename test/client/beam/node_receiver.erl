%% A process that pg_etf_client --to writes to, and which forgets nothing.
%%
%%   erl -name NODE -pa DIR -run node_receiver main FILE HOLD FORGETFUL
%%
%% A line of FILE is a transaction whose rows are [1,2], or what came else.  The
%% position to start after is the last one there, unless FORGETFUL is true; so rows
%% that were sent twice, or never, show.  A row 1000 ends the process once, before it
%% acknowledges anything of it; another one takes its name.  At a row HOLD it stands
%% still, and gives no more credit.
-module(node_receiver).

-export([main/1]).

main([File, Hold, Forgetful]) ->
    State = #{file => File, hold => list_to_integer(Hold), forgetful => Forgetful =:= "true"},
    spawn(fun() -> supervise(State#{poison => 1000}) end).

supervise(State) ->
    {_, Ref} = spawn_monitor(fun() ->
        register(receiver, self()),
        receive_first(State)
    end),
    receive
        {'DOWN', Ref, process, _, _} -> supervise(State#{poison := none})
    end.

receive_first(State) ->
    receive
        {pg_etf, Client, Packet} ->
            {hello, #{slot := _, version := _}} = Hello = binary_to_term(Packet),
            write(State, Hello),
            monitor(process, Client),
            send(
                Client,
                {start, #{
                    startpos => start_at(State),
                    ack_positions => true,
                    options => #{rows => tuple, dialect => compact, frame_bytes => 4096},
                    credit_events => 100,
                    credit_bytes => 100000
                }}
            ),
            Client ! hello,
            loop(Client, {100, 100000}, [], State)
    end.

loop(Client, {E, B} = Granted, Rows, State) ->
    receive
        {pg_etf, Client, Packet} ->
            case binary_to_term(Packet) of
                Frames when is_list(Frames) ->
                    Rest = lists:foldl(fun(F, Acc) -> frame(F, Acc, Client, State) end, Rows, Frames),
                    Count = lists:sum([element(5, F) || F <- Frames]),
                    Next = {E + Count, B + byte_size(Packet)},
                    send(Client, {credit, element(1, Next), element(2, Next)}),
                    loop(Client, Next, Rest, State);
                {rewind, _} ->
                    loop(Client, Granted, [], State);
                {position, Lsn} ->
                    write(State, {position, Lsn}),
                    send(Client, {flushed, Lsn}),
                    loop(Client, Granted, Rows, State);
                Other ->
                    write(State, Other),
                    loop(Client, Granted, Rows, State)
            end;
        {'DOWN', _, process, Client, Reason} ->
            write(State, {down, Reason}),
            receive_first(State)
    end.

frame({tx, Part, {_, _, End, _}, _, _, _, Events}, Rows, Client, State) ->
    #{poison := Poison, hold := Hold} = State,
    All = Rows ++ [element(1, New) || {insert, _, New} <- Events],
    lists:member(Poison, All) andalso exit(poison),
    lists:member(Hold, All) andalso hold(State, Part),
    case Part of
        _ when Part =:= whole; Part =:= last ->
            write(State, {tx, End, {rows, All}}),
            send(Client, {flushed, End}),
            [];
        _ ->
            All
    end.

hold(State, Part) ->
    write(State, {held, Part}),
    timer:sleep(infinity).

send(Client, Term) ->
    Client ! {pg_etf, term_to_binary(Term)}.

%% Numbers of rows must not be taken for characters.
write(State, {tx, _, _} = Term) -> append(State, "~tw.~n", Term);
write(State, Term) -> append(State, "~0tp.~n", Term).

append(#{file := File}, Format, Term) ->
    ok = file:write_file(File, io_lib:format(Format, [Term]), [append, raw]).

start_at(#{forgetful := true}) ->
    0;
start_at(#{file := File}) ->
    {ok, Terms} = file:consult(File),
    lists:max([0 | [End || {tx, End, _} <- Terms] ++ [Lsn || {position, Lsn} <- Terms]]).
