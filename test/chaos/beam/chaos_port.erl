%% pg_etf_client behind a bare port, frames as they come, with the plugin's
%% default terms.  Credit is given back, and the end of a transaction confirmed,
%% when it is handled.
-module(chaos_port).

-export([start/1, stop/1, kill/1, info/1]).

start(Where) ->
    {ok, spawn_link(fun() -> run(Where) end)}.

run([Slot, Host, Server, Database]) ->
    process_flag(trap_exit, true),
    Port = open_port({spawn_executable, os:getenv("PG_ETF_CLIENT")},
                     [{args, ["--port"]}, {packet, 4}, binary, exit_status, use_stdio, hide]),
    send(Port, {start, #{
        connection => #{host => list_to_binary(Host), port => list_to_integer(Server),
                        dbname => list_to_binary(Database),
                        application_name => list_to_binary(Slot)},
        slot => list_to_binary(Slot), options => options(),
        credit_events => 2000, credit_bytes => 8000000, stats_interval => 1000,
        status_interval => 500, max_stall => 3000, liveness_timeout => 5000,
        reconnect_min => 50, reconnect_max => 2000, streaming => chaos_reader:streaming()}}),
    loop(#{port => Port, relations => #{}, next => none,
           granted => {2000, 8000000}, received => {0, 0}}).

options() ->
    lists:foldl(fun(Name, Options) -> Options#{publication_names => Name} end,
                #{messages => on, include_tables => <<"chaos.*">>},
                chaos_reader:publications()).

send(Port, Command) ->
    try port_command(Port, term_to_binary(Command)) catch error:badarg -> closed end.

loop(#{port := Port} = State) ->
    receive
        {Port, {data, Packet}} -> loop(packet(binary_to_term(Packet), byte_size(Packet), State));
        {Port, {exit_status, Status}} -> exit({client, Status});
        {'EXIT', Port, Reason} -> exit({client, Reason});
        {'EXIT', _, Reason} -> exit(Reason);
        kill -> port_close(Port), exit(killed);
        {stop, From} -> send(Port, stop), loop(State#{stopping => From})
    end.

%% Somebody still has the slot: the reader is started again, as the library's are.
packet({fatal, slot_active, Details}, _, _) ->
    exit({slot_active, Details});
packet({fatal, Class, Details}, _, _) ->
    io:format("fatal ~p ~0p~n", [Class, Details]),
    chaos_reader:told(Class);
packet({stopped, _}, _, #{stopping := From}) ->
    From ! {self(), stopped},
    exit(normal);
packet(Frames, Bytes, #{port := Port} = State) when is_list(Frames) ->
    State2 = lists:foldl(fun frame/2, State, Frames),
    Cost = {lists:sum([events(Frame) || Frame <- Frames]), Bytes},
    #{granted := {E, B}} = State3 = count(received, Cost, count(granted, Cost, State2)),
    send(Port, {credit, E, B}),
    State3;
packet({stats, #{sent_events := Events, sent_bytes := Bytes}}, _, #{received := Received} = State) ->
    {Events, Bytes} =:= Received orelse
        io:format("pg_etf_client has sent ~p ~p, not ~p~n", [Events, Bytes, Received]),
    State;
packet({log, _, _} = Log, _, State) ->
    io:format("~0p~n", [Log]),
    State;
packet({status, _, _} = Status, _, State) ->
    io:format("~0p~n", [Status]),
    State;
packet(_, _, State) ->
    State.

count(Account, {Events, Bytes}, State) ->
    maps:update_with(Account, fun({E, B}) -> {E + Events, B + Bytes} end, State).

events({tx, _, _, _, Count, _, _}) -> Count;
events({message, _, _, _}) -> 1.

frame({message, Lsn, _, _}, #{port := Port} = State) ->
    send(Port, {flushed, Lsn}),
    State;
frame({tx, Part, {_, Commit, End, _}, First, Count, _, Events}, #{port := Port} = State) ->
    Relations = lists:foldl(fun relation/2, maps:get(relations, State), Events),
    Changes = [change(Event, Relations) || Event <- Events, element(1, Event) =/= relation],
    Last = Part =:= whole orelse Part =:= last,
    Got = #{commit => Commit, 'end' => End, first => First, count => Count, last => Last},
    store(Got, Changes),
    Last andalso send(Port, {flushed, End}),
    State#{relations => Relations}.

%% Until there is room again.
store(Got, Changes) ->
    try ok = chaos_sink:handle(0, Got, Changes)
    catch error:_ -> timer:sleep(100), store(Got, Changes)
    end.

relation({relation, Rel, _, Table, _, _}, Relations) -> Relations#{Rel => Table};
relation(_, Relations) -> Relations.

change({insert, Rel, New}, Tables) -> row(insert, maps:get(Rel, Tables), New);
change({update, Rel, _, New}, Tables) -> row(update, maps:get(Rel, Tables), New);
change({delete, Rel, {_, Old}}, Tables) -> {delete, maps:get(Rel, Tables), Old};
change({delete, Rel, none}, Tables) -> {delete, maps:get(Rel, Tables), #{}};
change({truncate, Rels, _}, Tables) -> {truncate, [maps:get(Rel, Tables) || Rel <- Rels]};
change({message, _, _} = Message, _) -> Message.

row(Op, Table, Row) ->
    Unchanged = [Key || {Key, unchanged_toast} <- maps:to_list(Row)],
    {Op, Table, maps:without(Unchanged, Row), Unchanged}.

kill(Pid) -> Pid ! kill.

%% It tells its ends by itself.
info(_) -> none.

stop(Pid) ->
    Pid ! {stop, self()},
    receive {Pid, stopped} -> ok after 15000 -> error end.
