%% Our Erlang text against Erlang: what io_lib would print, and that what we
%% print reads back as the same term.  Needs +pc unicode.
-module(oracle).
-export([main/1]).

-define(ERLANG, 0).
-define(TERMS, 4000).

main([Program]) ->
    rand:seed(exsss, {20, 26, 1}),
    Port = open_port({spawn_executable, Program}, [{packet, 4}, binary]),
    Terms = fixed() ++ [term(N rem 6) || N <- lists:seq(1, ?TERMS)],
    Failed = lists:sum([check(Port, Term) || Term <- Terms]),
    io:format("~b passed, ~b failed~n", [length(Terms) - Failed, Failed]),
    port_close(Port),
    halt(min(Failed, 1)).

check(Port, Term) ->
    Text = show(Port, term_to_binary(Term)),
    Old = show(Port, term_to_binary(Term, [{minor_version, 0}])),
    Printed = lists:flatten(io_lib:format("~0tp", [Term])),
    case {Text, Old, read(Text)} of
        {Printed, Printed, {ok, Term}} ->
            0;
        {Text, Text, {ok, Term}} when map_size(Term) > 32 ->
            %% term_to_binary and io_lib walk large maps in different orders.
            0;
        Other ->
            io:format(standard_error, "~tp~nshown ~tp~nnot ~tp~n",
                      [Term, Other, Printed]),
            1
    end.

show(Port, Bytes) ->
    port_command(Port, [?ERLANG, Bytes]),
    receive
        {Port, {data, Text}} -> unicode:characters_to_list(Text)
    after 30000 ->
        error(no_answer)
    end.

read(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text ++ "."),
    erl_parse:parse_term(Tokens).

%% What chance would hardly meet.
fixed() ->
    [list_to_atom([Char]) || Char <- lists:seq(0, 255)] ++
        [list_to_atom([$a, Char]) || Char <- lists:seq(0, 255)] ++
        [<<Char/utf8>> || Char <- lists:seq(16#20, 16#7FF) ++
                              [16#FEFF, 16#FFFD, 16#FFFE, 16#FFFF, 16#10000]] ++
        [math:pow(2, N) || N <- lists:seq(-1074, 1023)] ++
        [math:pow(10, N) || N <- lists:seq(-30, 30)] ++
        [(1 bsl N) + D || N <- [7, 8, 27, 31, 32, 59, 60, 63, 64, 128, 2040],
                          D <- [-1, 0, 1]] ++
        [-(1 bsl N) + D || N <- [7, 8, 27, 31, 32, 59, 60, 63, 64, 128, 2040],
                           D <- [-1, 0, 1]] ++
        [(1 bsl (8 * 61255)) - 1, 10, 1000000000, 999999999999999999,
         list_to_atom(lists:duplicate(255, 16#20AC)),
         lists:foldl(fun(_, List) -> [List] end, [], lists:seq(1, 5000)),
         maps:from_list([{N, {N}} || N <- lists:seq(1, 100)]),
         list_to_tuple(lists:seq(1, 300)), lists:duplicate(70000, 7)].

term(0) ->
    scalar(rand:uniform(8));
term(Depth) ->
    case rand:uniform(5) of
        1 -> list(Depth);
        2 -> list_to_tuple(terms(Depth));
        3 -> maps:from_list([{K, V} || K <- terms(Depth), V <- terms(1)]);
        4 -> [term(Depth - 1) | scalar(1)];
        5 -> term(0)
    end.

terms(Depth) ->
    [term(Depth - 1) || _ <- lists:seq(1, rand:uniform(5) - 1)].

%% ~p would show lists of characters as strings, which we never do.
list(Depth) ->
    Terms = terms(Depth),
    case Terms =/= [] andalso io_lib:printable_unicode_list(Terms) of
        true -> [0 | Terms];
        false -> Terms
    end.

scalar(1) -> integer(rand:uniform(70)) - integer(rand:uniform(70));
scalar(2) -> integer(rand:uniform(3000));
scalar(3) -> double(rand:bytes(8));
scalar(4) -> (rand:uniform(2000000) - 1000000) / pick([1, 10, 1000, 1.0e9]);
scalar(5) -> pick([nil, true, 'an atom', 'Foo', 'Elixir.Foo', '', 'end',
                   'it\'s', 'a\\b', 'a\nb', caf@1, fun lists:map/2,
                   fun 'A b':'c d'/0, list_to_atom([1047, 1076])]);
scalar(6) -> text(rand:uniform(20) - 1);
scalar(7) -> binary(rand:bytes(rand:uniform(20) - 1));
scalar(8) -> bits(rand:uniform(100) - 1).

integer(Bits) ->
    rand:uniform(1 bsl Bits) - 1.

double(<<Float/float>>) -> Float;
double(_) -> 0.1.

%% Text of all sorts of characters that are printable, or nearly.
text(Len) ->
    << <<(pick([rand:uniform(127), rand:uniform(95) + 31, $", $\\, $\n, $\e,
                rand:uniform(16#2FF), 16#20AC, 16#1F600]))/utf8>>
       || _ <- lists:seq(1, Len) >>.

%% Bytes that are no UTF-8 but printable in Latin 1 are text for ~p, not for us.
binary(Bytes) ->
    case unicode:characters_to_list(Bytes) of
        List when is_list(List) -> Bytes;
        _ -> <<Bytes/binary, 1>>
    end.

bits(Size) ->
    <<Bits:Size/bits, _/bits>> = rand:bytes(20),
    case Bits of
        <<_/binary>> -> binary(Bits);
        _ -> Bits
    end.

pick(Choices) ->
    lists:nth(rand:uniform(length(Choices)), Choices).
