%% Bugs of each kind, planted into a true history: {Title, what chaos_check must
%% find, function from history to history}.  A function answers none where the
%% history has nothing to plant into.
-module(chaos_mutant).

-export([all/0]).

all() ->
    [{"a transaction is dropped", loss, fun drop_transaction/1},
     {"a transaction is confirmed before it is handled", loss, fun confirm_early/1},
     {"the end of the history is missing", loss, fun drop_end/1},
     {"a row is dropped", torn, fun drop_row/1},
     {"a row comes twice", torn, fun double_row/1},
     {"a transaction is cut", torn, fun cut_transaction/1},
     {"two transactions are swapped", disorder, fun swap/1},
     {"a confirmed transaction comes again", duplicate, fun repeat/1},
     {"a value is wrong", wrong, fun spoil/1},
     {"a row is of another transaction", wrong, fun mix/1},
     {"a rolled back transaction comes", wrong, fun invent/1},
     {"a new slot, and nobody is told", silent, fun new_slot/1},
     {"a message has the place of a change", place, fun misplace/1},
     {"the library ends by itself", died, fun die/1}].

%% Whole transactions that came once, and that the end of a slot does not excuse.
whole(History) ->
    Gots = [Got || {got, #{first := 0, last := true} = Got} <- History],
    Ends = lists:sort([maps:get('end', Got) || Got <- Gots]),
    Once = sets:subtract(sets:from_list(Ends), sets:from_list(Ends -- lists:usort(Ends))),
    Excused = excused(lists:reverse(History), infinity, sets:new()),
    [Got || #{'end' := End} = Got <- Gots,
            sets:is_element(End, Once), not sets:is_element(End, Excused)].

%% What was not confirmed when its slot came to its end; from the last event on.
excused([], _, Excused) ->
    Excused;
excused([{life, {new, _}} | Events], _, Excused) ->
    excused(Events, 0, Excused);
excused([{confirmed, Lsn} | Events], Confirmed, Excused) when Confirmed =/= infinity ->
    excused(Events, max(Lsn, Confirmed), Excused);
excused([{got, #{'end' := End}} | Events], Confirmed, Excused) when End > Confirmed ->
    excused(Events, Confirmed, sets:add_element(End, Excused));
excused([_ | Events], Confirmed, Excused) ->
    excused(Events, Confirmed, Excused).

middle(History) ->
    case whole(History) of
        [] -> none;
        Gots -> lists:nth(length(Gots) div 2 + 1, Gots)
    end.

with(History, Fun) ->
    case middle(History) of
        none -> none;
        Got -> Fun(Got)
    end.

change(History, Fun) ->
    with(History, fun(Got) ->
        [case Event of {got, Got} -> {got, Fun(Got)}; _ -> Event end || Event <- History]
    end).

drop_transaction(History) ->
    with(History, fun(#{'end' := End} = Got) ->
        [Event || Event <- History, Event =/= {got, Got}, Event =/= {done, End}]
    end).

%% What a reader does that acknowledges first, and dies.
confirm_early(History) ->
    with(History, fun(#{'end' := End} = Got) ->
        {Before, [_ | After]} = lists:splitwith(fun(E) -> E =/= {got, Got} end, History),
        Before ++ [{confirmed, End}] ++ [E || E <- After, E =/= {done, End}]
    end).

drop_end(History) ->
    case lists:reverse(whole(History)) of
        [#{'end' := End} | _] ->
            [E || E <- History, not above(End, E)];
        [] -> none
    end.

above(End, {got, #{'end' := E}}) -> E >= End;
above(End, {done, E}) -> E >= End;
above(_, _) -> false.

drop_row(History) ->
    change(History, fun(#{runs := [{Op, W, T, From, To} | Runs]} = Got) ->
        Got#{runs => [{Op, W, T, From, To - 1} || To > From] ++ Runs}
    end).

double_row(History) ->
    change(History, fun(#{runs := Runs} = Got) ->
        Got#{runs => lists:append([[Run, Run] || Run <- Runs])}
    end).

cut_transaction(History) ->
    change(History, fun(#{runs := Runs} = Got) ->
        Got#{runs => lists:sublist(Runs, length(Runs) - 1)}
    end).

%% Of two neighbours in one lane the second comes first.
swap(History) ->
    with(History, fun(#{lane := Lane, 'end' := End} = Got) ->
        case [Next || #{lane := L, 'end' := E} = Next <- whole(History), L =:= Lane, E > End] of
            [#{'end' := Later} = Next | _] ->
                Moved = [E || E <- History, E =/= {got, Next}, E =/= {done, Later}],
                lists:append([case E of
                    {got, Got} -> [{got, Next}, {done, Later}, E];
                    _ -> [E]
                end || E <- Moved]);
            [] -> none
        end
    end).

repeat(History) ->
    with(History, fun(#{'end' := End} = Got) ->
        case lists:splitwith(fun(E) -> E =/= {done, End} end, History) of
            {Before, [Done | After]} ->
                Before ++ [Done, {confirmed, End}, {got, Got}] ++ After;
            _ -> none
        end
    end).

spoil(History) ->
    change(History, fun(Got) -> Got#{wrong => [{insert, <<"data_1">>, value}]} end).

mix(History) ->
    change(History, fun(#{runs := [{Op, W, T, From, To} | Runs]} = Got) ->
        Got#{runs => [{Op, W, T - 1, From, To} | Runs]}
    end).

invent(History) ->
    with(History, fun(#{'end' := End} = Got) ->
        lists:append([case E of
            {got, Got} -> [E, {got, Got#{'end' => End + 1}}];
            _ -> [E]
        end || E <- History])
    end).

misplace(History) ->
    with(History, fun(#{commit := Commit} = Got) ->
        insert_before(Got, {outside, {Commit, 0}}, History)
    end).

die(History) ->
    with(History, fun(Got) -> insert_before(Got, {died, reader}, History) end).

insert_before(Got, New, History) ->
    lists:append([case E of {got, Got} -> [New, E]; _ -> [E] end || E <- History]).

%% The first new slot is the one that the reader begins with.
new_slot(History) ->
    with(History, fun(#{'end' := End} = Got) ->
        lists:append([case E of
            {got, Got} -> [E, {life, {new, End}}];
            _ -> [E]
        end || E <- History])
    end).
