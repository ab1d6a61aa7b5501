%% The wire between walsender and client as it is: under which LSN each
%% message comes, and whether one walsender can stream again and again.  Just
%% enough of the protocol, for a server that trusts us.
-module(walsender).
-export([lines/6, sessions/6]).

%% The messages of one stream, a line each: its part or kind, the LSN it comes
%% under, and the one that it should come under.
lines(Socket, Db, User, Slot, Options, EndLsn) ->
    S = connect(Socket, Db, User),
    start(S, Slot, Options),
    Lines = copy(S, EndLsn, []),
    gen_tcp:close(S),
    Lines.

%% Streams one after the other over one connection, each with options of its
%% own; a line each: how many messages, or the error.  All but the last have to
%% end in an error: after a regular end a walsender streams no more.
sessions(Socket, Db, User, Slot, List, EndLsn) ->
    S = connect(Socket, Db, User),
    Lines = [session(S, Slot, Options, EndLsn) || Options <- List],
    gen_tcp:close(S),
    Lines.

session(S, Slot, Options, EndLsn) ->
    Line = try
               start(S, Slot, Options),
               Count = length(copy(S, EndLsn, [])),
               send(S, $c, []),
               io_lib:format("~b~n", [Count])
           catch
               error:{_, Error} when is_binary(Error) -> [Error, $\n]
           end,
    ready(S),
    Line.

connect(Socket, Db, User) ->
    {ok, S} = gen_tcp:connect({local, Socket}, 0,
                              [local, binary, {active, false}]),
    startup(S, [{"user", User}, {"database", Db},
                {"replication", "database"}]),
    S.

start(S, Slot, Options) ->
    query(S, ["START_REPLICATION SLOT ", Slot, " LOGICAL 0/0",
              options(Options)]).

options([]) -> "";
options(List) ->
    [" (", lists:join(", ", [option(O) || O <- List]), ")"].

option({Name}) -> [$", Name, $"];
option({Name, Value}) -> [$", Name, "\" '", Value, $'].

startup(S, Parameters) ->
    Body = [<<196608:32>>, [[K, 0, V, 0] || {K, V} <- Parameters], 0],
    ok = gen_tcp:send(S, [<<(iolist_size(Body) + 4):32>>, Body]),
    ready(S).

ready(S) ->
    case receive_message(S) of
        {$Z, _} -> ok;
        {$E, Fields} -> error({refused, fields(Fields)});
        _ -> ready(S)
    end.

query(S, Text) ->
    send(S, $Q, [Text, 0]),
    case receive_message(S) of
        {$W, _} -> ok;
        {$E, Fields} -> error({refused, fields(Fields)})
    end.

send(S, Type, Body) ->
    ok = gen_tcp:send(S, [Type, <<(iolist_size(Body) + 4):32>>, Body]).

receive_message(S) ->
    {ok, <<Type, Length:32>>} = gen_tcp:recv(S, 5, 60000),
    case Length of
        4 -> {Type, <<>>};
        _ ->
            {ok, Body} = gen_tcp:recv(S, Length - 4, 60000),
            {Type, Body}
    end.

fields(Fields) ->
    binary:replace(Fields, [<<0>>, <<"\n">>], <<" ">>, [global]).

%% Until a message or keepalive reaches EndLsn.
copy(S, EndLsn, Lines) ->
    case receive_message(S) of
        {$d, <<$w, Start:64, _End:64, _Time:64, Frame/binary>>} ->
            Lines1 = [line(Start, binary_to_term(Frame, [safe])) | Lines],
            copy(S, EndLsn, Lines1);
        {$d, <<$k, End:64, _Time:64, _Reply>>} when End >= EndLsn ->
            lists:reverse(Lines);
        {$d, <<$k, _/binary>>} ->
            send(S, $d, <<$r, 0:64, 0:64, 0:64, 0:64, 0>>),
            copy(S, EndLsn, Lines);
        {$E, Fields} ->
            error({stream_failed, fields(Fields)})
    end.

line(Start, {stream, _, _, _, _, _, _}) ->
    line(Start, stream, 0);
line(Start, {stream_abort, _}) ->
    line(Start, stream_abort, 0);
line(Start, {Kind, {_, _, End, _}, _}) ->
    line(Start, Kind, End);
line(Start, {_, Part, {_, _, End, _}, _, _, _, _}) ->
    line(Start, Part, End);
line(Start, {message, Lsn, _, _}) ->
    line(Start, message, Lsn).

line(Start, Name, Lsn) ->
    io_lib:format("~s ~b ~b~n", [Name, Start, Lsn]).
