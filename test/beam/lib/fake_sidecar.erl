%% A sidecar that misbehaves: what the real one never does.
%%
%%   erl -noinput -pa DIR -run fake_sidecar listen SOCKET
%%
%% The first byte of a function's name says what its call is answered with.
-module(fake_sidecar).
-export([listen/1]).

listen([Socket]) ->
    file:delete(Socket),
    {ok, Listener} = gen_tcp:listen(0, [binary, local_address(Socket),
                                        {packet, 4}, {active, false},
                                        {backlog, 1024}]),
    io:format("listening~n"),
    accept(Listener).

local_address(Socket) ->
    {ifaddr, {local, Socket}}.

accept(Listener) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Pid = spawn(fun() -> receive go -> greet(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Pid),
    Pid ! go,
    accept(Listener).

greet(Socket) ->
    {hello, 1, #{pid := _, user := User}} = read(Socket),
    case User of
        <<"version">> -> send(Socket, {hello, 7, #{}});
        <<"garbage">> -> gen_tcp:send(Socket, <<"garbage">>);
        <<"silent">> -> timer:sleep(infinity);
        <<"full">> -> send(Socket, {0, raise, <<"53300">>, <<"full">>, <<>>,
                                    <<>>, <<>>});
        _ -> send(Socket, {hello, 1, #{boot => <<"fake">>, otp => <<"25">>,
                                       max_bytes => 16#1000000}})
    end,
    serve(Socket, User).

serve(Socket, User) ->
    case read(Socket) of
        {call, Id, Name, [Argument], Meta} ->
            answer(Socket, Name, Id, Argument, Meta);
        {health, _} when User =:= <<"mute">> ->
            ok;
        {health, _} when User =:= <<"close">> ->
            exit(normal);
        {health, Id} ->
            send(Socket, {Id, ok, #{}})
    end,
    serve(Socket, User).

read(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Packet} -> binary_to_term(Packet);
        {error, closed} -> exit(normal)
    end.

send(Socket, Term) ->
    gen_tcp:send(Socket, term_to_binary(Term)).

answer(Socket, <<"echo">>, Id, Argument, _) ->
    send(Socket, {Id, ok, Argument});
answer(Socket, <<"meta">>, Id, _, Meta) ->
    send(Socket, {Id, ok, maps:from_list(Meta)});
answer(Socket, <<"raise">>, Id, _, _) ->
    send(Socket, {Id, raise, <<"23514">>, <<"message">>, <<"detail">>,
                  <<"hint">>, <<"context">>});
answer(Socket, <<"notice">>, Id, Argument, _) ->
    send(Socket, {Id, notice, warning, <<"look">>}),
    send(Socket, {Id, ok, Argument});
answer(Socket, <<"other">>, Id, Argument, _) ->
    send(Socket, {Id + 1, ok, Argument});
answer(Socket, <<"garbage">>, _, _, _) ->
    gen_tcp:send(Socket, <<"garbage">>);
answer(Socket, <<"cut">>, Id, _, _) ->
    Packet = term_to_binary({Id, ok, [<<"a">>, <<"b">>]}),
    gen_tcp:send(Socket, binary:part(Packet, 0, byte_size(Packet) - 2));
answer(Socket, <<"atom">>, _, _, _) ->
    send(Socket, ok);
answer(Socket, <<"close">>, _, _, _) ->
    gen_tcp:close(Socket),
    exit(normal);
answer(Socket, <<"giant">>, _, _, _) ->
    inet:setopts(Socket, [{packet, raw}]),
    gen_tcp:send(Socket, <<16#7fffffff:32, 131>>),
    inet:setopts(Socket, [{packet, 4}]);
answer(Socket, <<"twice">>, Id, Argument, _) ->
    send(Socket, {Id, ok, Argument}),
    send(Socket, {Id, ok, Argument});
answer(_, <<"silent">>, _, _, _) ->
    ok.
