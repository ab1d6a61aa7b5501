%% What the rows of chaos.sql must hold, told by the row alone: it names its
%% writer, transaction and index, and all other values follow from these.
%%
%% summary/1 turns changes into what the history keeps: runs of consecutive
%% rows, and what was wrong.
-module(chaos_row).

-export([summary/1, writer/1, wrong/1]).

%% A change of any reader:
%%   {insert | update, Table, Row, Unchanged} | {delete, Table, Key}
%%   | {truncate, Tables} | {message, Prefix, Content}
-type change() :: tuple().
-type run() :: {insert | update | delete, w(), t(), From :: integer(), To :: integer()}
    | {ledger, w(), t(), tuple()} | {truncate, w(), 0, 0, 0} | {message, w(), t(), 0, 0}.
-type w() :: integer().
-type t() :: integer().

-spec summary([change()]) -> {[run()], Wrong :: [term()]}.
summary(Changes) ->
    {Runs, Wrong} = lists:foldl(fun add/2, {[], []}, Changes),
    {lists:reverse(Runs), lists:reverse(Wrong)}.

add(Change, {Runs, Wrong}) ->
    {extend(run(Change), Runs), wrong(Change) ++ Wrong}.

extend(none, Runs) -> Runs;
extend({Op, W, T, I, I}, [{Op, W, T, From, To} | Runs]) when I =:= To + 1 ->
    [{Op, W, T, From, I} | Runs];
extend(Run, Runs) -> [Run | Runs].

run({insert, <<"ledger">>, _, _}) ->
    none;
run({update, <<"ledger">>, #{<<"w">> := W, <<"t">> := T} = Row, _}) ->
    {ledger, W, T, counts(Row)};
run({Op, <<"data_", _/binary>>, #{<<"w">> := W, <<"t">> := T, <<"i">> := I}, _}) ->
    {Op, W, T, I, I};
run({delete, <<"data_", W/binary>>, #{<<"t">> := T, <<"i">> := I}}) ->
    {delete, binary_to_integer(W), T, I, I};
run({truncate, [<<"data_", W/binary>>]}) ->
    {truncate, binary_to_integer(W), 0, 0, 0};
run({message, <<"chaos.", W/binary>>, T}) ->
    {message, binary_to_integer(W), binary_to_integer(T), 0, 0};
run(_) ->
    none.

counts(Row) ->
    list_to_tuple([maps:get(Key, Row) || Key <- [<<"ins">>, <<"upd">>, <<"del">>,
                                                 <<"trunc">>, <<"msg">>]]).

%% Whose change it is, for readers that keep the order of each writer only.
-spec writer(change()) -> w().
writer({_, <<"ledger">>, #{<<"w">> := W}, _}) -> W;
writer({_, <<"data_", W/binary>>, _, _}) -> binary_to_integer(W);
writer({delete, <<"data_", W/binary>>, _}) -> binary_to_integer(W);
writer({truncate, [<<"data_", W/binary>>]}) -> binary_to_integer(W);
writer({message, <<"chaos.", W/binary>>, _}) -> binary_to_integer(W);
writer(_) -> 0.

%% What differs from what it must be.
-spec wrong(change()) -> [term()].
wrong({Op, <<"data_", _/binary>> = Table, Row, Unchanged}) ->
    case wrong_columns(Row, Unchanged) of
        [] -> [];
        Columns -> [{Op, Table, maps:with([<<"t">>, <<"i">>], Row), Columns}]
    end;
wrong(_) ->
    [].

%% Further columns come and go with DDL.
wrong_columns(#{<<"w">> := W, <<"t">> := T, <<"i">> := I, <<"v">> := V, <<"rep">> := Rep} = Row,
              Unchanged) ->
    #{<<"sum">> := Sum} = Stock = stock((7 * T + I) rem 1000),
    Expected = Stock#{<<"at">> => at(T, I)},
    [{Key, maps:get(Key, Row, missing)} || {Key, Value} <- maps:to_list(Expected),
        not matches(Key, Value, V, Row)]
        ++ [{<<"body">>, size} || not body(Row, Sum, Rep, Unchanged)]
        ++ [{<<"w">>, W} || not is_integer(W)];
wrong_columns(_, _) ->
    [no_identity].

matches(<<"num">>, Num, V, #{<<"num">> := Value}) ->
    Value =:= decimal(Num + V * 1000);
matches(Key, Expected, _, Row) ->
    maps:get(Key, Row, missing) =:= Expected.

body(#{<<"body">> := Body}, Sum, Rep, _) ->
    Body =:= binary:copy(Sum, Rep);
body(_, _, _, Unchanged) ->
    lists:member(<<"body">>, Unchanged).

%% Made once for each k; the process dictionary is the cheapest memory.
stock(K) ->
    case get({?MODULE, K}) of
        undefined ->
            Row = new_stock(K),
            put({?MODULE, K}, Row),
            Row;
        Row ->
            Row
    end.

new_stock(K) ->
    Text = integer_to_binary(K),
    Sum = hex(erlang:md5(Text)),
    #{<<"sum">> => Sum,
      <<"num">> => (K - 500) * 12345678901,
      <<"list">> => [K, -K, nil],
      <<"tags">> => [<<"k", Text/binary>>, <<>>, <<"ä,\""/utf8, Text/binary>>],
      <<"doc">> => #{<<"k">> => K, <<"s">> => Sum,
                     <<"l">> => [K, nil, true, #{<<"x">> => <<"y", Text/binary>>}]}}.

hex(Bytes) ->
    << <<(hex_digit(Digit))>> || <<Digit:4>> <= Bytes >>.

hex_digit(Digit) when Digit < 10 -> $0 + Digit;
hex_digit(Digit) -> $a + Digit - 10.

%% Thousandths, as the library has a numeric.
decimal(N) ->
    #{'__struct__' => 'Elixir.Decimal', sign => if N < 0 -> -1; true -> 1 end,
      coef => abs(N), exp => -3}.

at(T, I) ->
    Seconds = calendar:datetime_to_gregorian_seconds({{2000, 1, 1}, {0, 0, 0}}) + T
        + I div 1000000,
    {{Year, Month, Day}, {Hour, Minute, Second}} =
        calendar:gregorian_seconds_to_datetime(Seconds),
    #{'__struct__' => 'Elixir.DateTime', calendar => 'Elixir.Calendar.ISO',
      year => Year, month => Month, day => Day, hour => Hour, minute => Minute,
      second => Second, microsecond => {I rem 1000000, 6}, time_zone => <<"Etc/UTC">>,
      zone_abbr => <<"UTC">>, utc_offset => 0, std_offset => 0}.
