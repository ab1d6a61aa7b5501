%% What a node has to be called for.
-module(test_node).
-export([echo/1, term/1, crash/1, hang/1, alive/1, collect/1, collected/1,
         count/0, atoms/0, print/1, big/1, port/0]).

echo(X) -> X.

%% Any term, written in Erlang.
term(Text) ->
    {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Text) ++ "."),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    {value, Value, _} = erl_eval:exprs(Expressions, []),
    Value.

crash(<<"error">>) -> error({bad, <<"price">>});
crash(<<"throw">>) -> throw(away);
crash(<<"exit">>) -> exit({shutdown, 7});
crash(<<"kill">>) -> exit(self(), kill), receive after infinity -> ok end;
crash(<<"exception">>) ->
    error(#{'__exception__' => true, '__struct__' => 'Elixir.ArgumentError',
            message => <<"not a price">>});
crash(<<"large">>) -> error({large, lists:duplicate(10000, <<"word">>)}).

%% Until somebody kills it.
hang(Name) ->
    register(binary_to_atom(Name), self()),
    receive after infinity -> ok end.

alive(Name) -> whereis(binary_to_atom(Name)) =/= undefined.

%% A registered process that keeps what it is sent.
collect(Name) ->
    Caller = self(),
    spawn(fun() ->
                  register(binary_to_atom(Name), self()),
                  Caller ! registered,
                  keep([])
          end),
    receive registered -> ok end.

keep(Messages) ->
    receive
        {collected, From} -> From ! {self(), lists:reverse(Messages)}, keep([]);
        Message -> keep([Message | Messages])
    end.

collected(Name) ->
    Pid = whereis(binary_to_atom(Name)),
    Pid ! {collected, self()},
    receive {Pid, Messages} -> Messages end.

%% Hidden nodes that are connected.
count() -> length(nodes(hidden)).

atoms() -> erlang:system_info(atom_count).

print(Text) -> io:format("~s~n", [Text]), printed.

big(Size) -> binary:copy(<<"x">>, Size).

%% Where this node listens.
port() ->
    [Name, Host] = string:split(atom_to_list(node()), "@"),
    {port, Port, _} = erl_epmd:port_please(Name, Host),
    integer_to_binary(Port).
