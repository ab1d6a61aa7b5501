%% chaos_check and chaos_row on histories made by hand; prints TAP.
%%
%%   erl -noshell -pa DIR -s chaos_check_test main
-module(chaos_check_test).

-export([main/0]).

main() ->
    Tests = histories() ++ mutants() ++ rows(),
    io:format("1..~b~n", [length(Tests)]),
    Results = [test(N, Test) || {N, Test} <- lists:zip(lists:seq(1, length(Tests)), Tests)],
    halt(case lists:member(false, Results) of true -> 1; false -> 0 end).

test(N, {Title, Expected, Fun}) ->
    Found = try Fun() catch Class:Reason:Stack -> {Class, Reason, Stack} end,
    Ok = Found =:= Expected,
    io:format("~s ~b - ~s~n", [case Ok of true -> "ok"; false -> "not ok" end, N, Title]),
    Ok orelse io:format("# expected ~0p~n#    found ~0p~n", [Expected, Found]),
    Ok.

%% Transactions 1, 2, ... of writers 1 and 2 in turn; Rows inserts each.
tx(N, Rows) ->
    {N * 100 + 50, N * 100, writer(N), N, {Rows, 0, 0, 0, 0}}.

writer(N) -> 2 - N rem 2.

got(N, Rows) -> part(N, 0, Rows, true, [{insert, writer(N), N, 0, Rows - 1}, ledger(N, Rows)]).

ledger(N, Rows) -> {ledger, writer(N), N, {Rows, 0, 0, 0, 0}}.

part(N, First, Count, Last, Runs) ->
    {got, #{'end' => N * 100 + 50, commit => N * 100, lane => writer(N), first => First,
            count => Count, last => Last, runs => Runs, wrong => []}}.

done(N) -> {done, N * 100 + 50}.

all(N, Rows) -> [got(N, Rows), done(N)].

start() -> [{life, {new, 0}}].

oracle(List) -> [{oracle, tx(N, Rows)} || {N, Rows} <- List].

kinds(Opts, History) ->
    Check = lists:foldl(fun chaos_check:event/2, chaos_check:new(Opts), lists:append(History)),
    [Kind || {Kind, _} <- chaos_check:findings(chaos_check:finish(Check))].

check(Title, Expected, History) -> check(Title, Expected, #{}, History).

check(Title, Expected, Opts, History) ->
    {Title, Expected, fun() -> kinds(Opts, [start() | History]) end}.

histories() ->
    Three = oracle([{1, 2}, {2, 3}, {3, 4}]),
    Truth = [all(1, 2), all(2, 3), all(3, 4)],
    [check("all of it, once", [], [Three | Truth]),
     check("again after a crash of the reader", [],
           [Three, all(1, 2), all(2, 3), [{life, same}], all(2, 3), all(3, 4)]),
     check("again after a reconnect, in one life of a careful reader", [duplicate],
           #{strict => true}, [Three, all(1, 2), all(2, 3), all(2, 3), all(3, 4)]),
     check("again although confirmed", [duplicate],
           [Three, all(1, 2), [{confirmed, 150}, {life, same}] | Truth]),
     check("again after the server has forgotten", [],
           [Three, all(1, 2), [{confirmed, 150}, restarted] | Truth]),
     check("one is missing", [loss], [Three, all(1, 2), all(3, 4)]),
     check("one is missing, and it shows at once", [loss],
           [Three, all(1, 2), all(3, 4), [{confirmed, 350}]]),
     check("got, never handled", [loss], [Three, all(1, 2), [got(2, 3)], all(3, 4)]),
     check("one comes late", [disorder], [Three, all(1, 2), all(3, 4), all(2, 3)]),
     check("another writer's comes late, where that may be", [],
           #{order => writer}, [Three, all(1, 2), all(3, 4), all(2, 3)]),
     check("the same writer's comes late", [disorder],
           #{order => writer}, [Three, all(3, 4), all(2, 3), all(1, 2)]),
     check("in parts", [],
           [oracle([{1, 5}]), [part(1, 0, 2, false, [{insert, 1, 1, 0, 1}]),
                               part(1, 2, 3, false, [{insert, 1, 1, 2, 4}]),
                               part(1, 5, 1, true, [ledger(1, 5)]), done(1)]]),
     check("in parts, cut by a crash, again from its first part", [],
           [oracle([{1, 5}]), [part(1, 0, 2, false, [{insert, 1, 1, 0, 1}]), {life, same},
                               part(1, 0, 5, false, [{insert, 1, 1, 0, 4}]),
                               part(1, 5, 1, true, [ledger(1, 5)]), done(1)]]),
     check("a part is missing", [torn, torn, torn],
           [oracle([{1, 5}]), [part(1, 0, 2, false, [{insert, 1, 1, 0, 1}]),
                               part(1, 3, 3, true, [{insert, 1, 1, 3, 4}]), done(1)]]),
     check("goes on in the middle after a crash", [torn, torn, loss],
           [oracle([{1, 5}]), [part(1, 0, 2, false, [{insert, 1, 1, 0, 1}]), {life, same},
                               part(1, 2, 4, true, [{insert, 1, 1, 2, 4}, ledger(1, 5)]),
                               done(1)]]),
     check("a row too few, and no ledger", [torn, torn],
           [oracle([{1, 2}]), [part(1, 0, 1, true, [{insert, 1, 1, 0, 0}]), done(1)]]),
     check("rows in another order", [torn, torn, torn],
           [oracle([{1, 2}]), [part(1, 0, 3, true, [{insert, 1, 1, 1, 1}, {insert, 1, 1, 0, 0},
                                                    ledger(1, 2)]), done(1)]]),
     check("nobody committed it", [wrong, torn], [oracle([{1, 2}]), all(1, 2), all(2, 3)]),
     check("a new slot, told", [],
           [Three, all(1, 2), [{told, slot_lost}, {life, {new, 250}}], all(3, 4)]),
     check("a new slot, not told", [silent],
           [Three, all(1, 2), [{life, {new, 250}}], all(3, 4)]),
     check("told, and still not all after the new slot", [loss],
           [Three, all(1, 2), [{told, slot_lost}, {life, {new, 150}}], all(3, 4)]),
     check("a message between two transactions", [],
           [Three, all(1, 2), [{outside, {199, 0}}], all(2, 3), all(3, 4)]),
     check("a message at the place of a change", [place],
           [Three, all(1, 2), [{outside, {200, 0}}], all(2, 3), all(3, 4)])].

mutants() ->
    N = 8,
    History = lists:append([start(), oracle([{I, I + 1} || I <- lists:seq(1, N)])
        | [all(I, I + 1) || I <- lists:seq(1, N)]]),
    [{"planted: " ++ Title, true,
      fun() -> lists:member(Kind, kinds(#{order => Order}, [Mutate(History)])) end}
     || {Title, Kind, Mutate} <- chaos_mutant:all(), Order <- [commit, writer]].

rows() ->
    Row = row(),
    [{"a row as it must be", [], fun() -> wrong(Row, []) end},
     {"a large value that is left alone", [],
      fun() -> wrong(maps:remove(<<"body">>, Row), [<<"body">>]) end},
     {"a large value that is missing", [<<"body">>],
      fun() -> wrong(maps:remove(<<"body">>, Row), []) end}]
    ++ [{"a wrong " ++ binary_to_list(Key), [Key],
         fun() -> wrong(Row#{Key => Value}, []) end}
        || {Key, Value} <- [{<<"sum">>, <<"x">>}, {<<"num">>, 1}, {<<"at">>, nil},
                            {<<"doc">>, #{}}, {<<"list">>, [7, -7, 0]}, {<<"tags">>, []},
                            {<<"body">>, <<"x">>}]]
    ++ [{"runs of rows", {[{insert, 1, 1, 0, 1}, {delete, 1, 1, 0, 0}, {truncate, 1, 0, 0, 0},
                           {message, 1, 9, 0, 0}, {ledger, 1, 1, {2, 0, 1, 0, 0}}], []},
         fun() -> chaos_row:summary([
            {insert, <<"data_1">>, Row, []}, {insert, <<"data_1">>, other_row(Row), []},
            {delete, <<"data_1">>, #{<<"t">> => 1, <<"i">> => 0}},
            {truncate, [<<"data_1">>]}, {message, <<"chaos.1">>, <<"9">>},
            {insert, <<"elsewhere">>, #{}, []},
            {update, <<"ledger">>, #{<<"w">> => 1, <<"t">> => 1, <<"ins">> => 2, <<"upd">> => 0,
                <<"del">> => 1, <<"trunc">> => 0, <<"msg">> => 0}, []}]) end}].

wrong(Row, Unchanged) ->
    case chaos_row:wrong({insert, <<"data_1">>, Row, Unchanged}) of
        [] -> [];
        [{_, _, _, Columns}] -> lists:usort([Key || {Key, _} <- Columns])
    end.

%% Row 0 of transaction 1, which has the values of k = 7.
row() ->
    Sum = <<"8f14e45fceea167a5a36dedd4bea2543">>,
    #{<<"w">> => 1, <<"t">> => 1, <<"i">> => 0, <<"v">> => 0, <<"rep">> => 1,
      <<"sum">> => Sum, <<"body">> => Sum,
      <<"num">> => #{'__struct__' => 'Elixir.Decimal', sign => -1, coef => 6086419698193,
                     exp => -3},
      <<"list">> => [7, -7, nil], <<"tags">> => [<<"k7">>, <<>>, <<"ä,\"7"/utf8>>],
      <<"doc">> => #{<<"k">> => 7, <<"s">> => Sum,
                     <<"l">> => [7, nil, true, #{<<"x">> => <<"y7">>}]},
      <<"at">> => #{'__struct__' => 'Elixir.DateTime', calendar => 'Elixir.Calendar.ISO',
                    year => 2000, month => 1, day => 1, hour => 0, minute => 0, second => 1,
                    microsecond => {0, 6}, time_zone => <<"Etc/UTC">>, zone_abbr => <<"UTC">>,
                    utc_offset => 0, std_offset => 0}}.

%% Row 1, of k = 8.
other_row(Row) ->
    Sum = <<"c9f0f895fb98ab9159f51fd0297e236d">>,
    #{<<"at">> := At} = Row,
    Row#{<<"i">> => 1, <<"sum">> => Sum, <<"body">> => Sum,
         <<"num">> => #{'__struct__' => 'Elixir.Decimal', sign => -1, coef => 6074074019292,
                        exp => -3},
         <<"list">> => [8, -8, nil], <<"tags">> => [<<"k8">>, <<>>, <<"ä,\"8"/utf8>>],
         <<"doc">> => #{<<"k">> => 8, <<"s">> => Sum,
                        <<"l">> => [8, nil, true, #{<<"x">> => <<"y8">>}]},
         <<"at">> => At#{microsecond => {1, 6}}}.
