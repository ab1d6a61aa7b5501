%% Whether a consumer got what was committed: pure, one event at a time, with
%% memory for what is not confirmed only.
%%
%% Events, in the order in which they happened:
%%
%%   {oracle, Tx}          the server committed Tx = {End, Commit, W, T, Counts},
%%                         told in commit order and before a consumer's got
%%   {life, Epoch}         a consumer starts: same, or {new, Lsn} of a new slot
%%   {got, Got}            a transaction, or a part of one, reached the handler:
%%                         #{'end', commit, lane, first, count, last, runs, wrong}
%%   {done, End}           it is handled: a crash would not lose it any more
%%   {confirmed, Lsn}      the slot was seen to be confirmed so far
%%   restarted             the server was restarted: a slot may have gone back
%%   {told, Class}         the consumer was told that the stream cannot go on
%%   {outside, Place}      a message outside of transactions came: {Commit, Index}
%%   {died, Who}           the library ended, and nobody had killed it
%%
%% Findings are {Kind, Detail}:
%%
%%   loss       confirmed (or the end came) and never handled
%%   torn       a transaction without all its changes, or with too many
%%   disorder   a transaction after a later one
%%   duplicate  again, although confirmed
%%   wrong      a value, or a transaction nobody committed
%%   silent     a new slot, and nobody had been told of the end of the old one
%%   place      a message has the place of a transaction's change
%%   died       the library took its application down
-module(chaos_check).

-export([new/1, event/2, finish/1, findings/1, counts/1, behind/1]).

-record(lane, {
    todo = gb_trees:empty(),    % End => Tx, committed and not handled
    open = none,                % what is being received
    last = 0,                   % End of the last one that came whole
    skipped = #{}               % passed over by a later one
}).

-record(check, {
    order,                      % commit: one lane; writer: one for each writer
    strict,                     % whether nothing repeats within a life
    base = 0,                   % the slot knows nothing before
    commits = gb_sets:new(),    % of the newest transactions, for their places
    ends = #{},                 % Commit => End, for parts that do not know it
    lanes = #{},
    kept = gb_trees:empty(),    % End => {Tx, in this life}: handled, may repeat
    forgotten = 0,              % the newest that is not kept any more
    confirmed = 0,
    told = true,
    findings = [],
    counts = #{}
}).

%% How many handled transactions are remembered below the confirmed position:
%% a crash of the server lets them come again.
-define(KEEP, 20000).
-define(MAX_FINDINGS, 50).

new(Opts) ->
    #check{order = maps:get(order, Opts, commit), strict = maps:get(strict, Opts, false)}.

findings(#check{findings = Findings}) -> lists:reverse(Findings).

counts(#check{counts = Counts}) -> Counts.

%% How many transactions are committed and not handled.
behind(#check{lanes = Lanes}) ->
    lists:sum([gb_trees:size(Todo) || #lane{todo = Todo} <- maps:values(Lanes)]).

event({oracle, {End, _, _, _, _}}, #check{base = Base} = S) when End =< Base ->
    S;
event({oracle, {End, _, W, _, _} = Tx}, S) ->
    Name = lane_name(S, W),
    Lane = lane(Name, S),
    put_lane(Name, Lane#lane{todo = gb_trees:insert(End, Tx, Lane#lane.todo)},
             S#check{commits = newest(element(2, Tx), S#check.commits),
                     ends = (S#check.ends)#{element(2, Tx) => End}});
event({life, same}, S) ->
    count(lives, forget_open(S#check{kept = gb_trees:map(fun(_, {Tx, _}) -> {Tx, false} end,
                                                         S#check.kept)}));
event({life, {new, Lsn}}, #check{told = false} = S) ->
    event({life, {new, Lsn}}, finding(silent, {new_slot, Lsn}, S#check{told = true}));
event({life, {new, Lsn}}, S) ->
    count(epochs, event({life, same}, begin_epoch(Lsn, S)));
event({told, Class}, S) ->
    count({told, Class}, S#check{told = true});
event({outside, {Commit, 0} = Place}, S) ->
    case gb_sets:is_member(Commit, S#check.commits) of
        true -> finding(place, Place, S);
        false -> count(outside, S)
    end;
event({died, Who}, S) ->
    finding(died, Who, S);
event(restarted, S) ->
    count(restarts, S#check{confirmed = 0});
event({confirmed, Lsn}, #check{confirmed = Confirmed} = S) when Lsn =< Confirmed ->
    S;
event({confirmed, Lsn}, S) ->
    forget_kept(lost(Lsn, S#check{confirmed = Lsn}));
%% The end of a part that came before the commit was told is that of its commit.
event({got, #{'end' := Unknown, commit := Commit} = Got}, S) when Unknown =:= nil; Unknown =:= 0 ->
    event({got, Got#{'end' := maps:get(Commit, S#check.ends, Commit)}}, S);
event({got, Got}, S) ->
    got(Got, lane_name(S, maps:get(lane, Got)), wrong(Got, count(got, S)));
event({done, End}, S) ->
    done(End, S).

%% All that was committed must be handled now.
finish(S) ->
    lost(infinity, S).

newest(Commit, Commits) ->
    Added = gb_sets:add(Commit, Commits),
    case gb_sets:size(Added) > ?KEEP of
        true -> gb_sets:delete(gb_sets:smallest(Added), Added);
        false -> Added
    end.

begin_epoch(Lsn, S) ->
    Lanes = maps:map(fun(_, #lane{todo = Todo}) -> #lane{todo = above(Lsn, Todo)} end,
                     S#check.lanes),
    S#check{base = Lsn, lanes = Lanes, kept = gb_trees:empty(), confirmed = Lsn,
            told = false}.

above(Lsn, Todo) ->
    gb_trees:from_orddict([{End, Tx} || {End, Tx} <- gb_trees:to_list(Todo), End > Lsn]).

forget_open(S) ->
    S#check{lanes = maps:map(fun(_, Lane) -> Lane#lane{open = none, last = 0} end,
                             S#check.lanes)}.

lane_name(#check{order = commit}, _) -> all;
lane_name(#check{order = writer}, W) -> W.

lane(Name, #check{lanes = Lanes}) -> maps:get(Name, Lanes, #lane{}).

put_lane(Name, Lane, S) -> S#check{lanes = (S#check.lanes)#{Name => Lane}}.

count(What, #check{counts = Counts} = S) ->
    S#check{counts = maps:update_with(What, fun(N) -> N + 1 end, 1, Counts)}.

finding(Kind, Detail, S) ->
    S2 = count({found, Kind}, S),
    case length(S2#check.findings) of
        N when N < ?MAX_FINDINGS -> S2#check{findings = [{Kind, Detail} | S2#check.findings]};
        _ -> S2
    end.

wrong(#{wrong := []}, S) -> S;
wrong(#{wrong := Wrong, 'end' := End}, S) -> finding(wrong, {End, Wrong}, S).

%% A first part begins a transaction, whatever was open: after a restart of the
%% stream it comes again.  What is left open for good is lost, not torn.
got(#{'end' := End, first := 0} = Got, Name, S) ->
    Lane = lane(Name, S),
    case known(End, Lane, S) of
        {Tx, How} ->
            S2 = order(Name, End, How, repeated(How, End, S)),
            part(Got, Name, {Tx, 0, #{}, none}, S2);
        unknown when End =< S#check.confirmed ->
            finding(duplicate, {confirmed, S#check.confirmed, End}, S);
        unknown when End =< S#check.forgotten ->
            count(unverified, put_lane(Name, Lane#lane{open = none}, S));
        unknown ->
            finding(wrong, {nobody_committed, End}, S)
    end;
got(#{'end' := End} = Got, Name, S) ->
    case lane(Name, S) of
        #lane{open = {{End, _, _, _, _}, _, _, _} = Open} -> part(Got, Name, Open, S);
        _ -> finding(torn, {no_beginning, End}, S)
    end.

known(End, #lane{todo = Todo}, #check{kept = Kept}) ->
    case gb_trees:lookup(End, Todo) of
        {value, Tx} ->
            {Tx, new};
        none ->
            case gb_trees:lookup(End, Kept) of
                {value, {Tx, Here}} -> {Tx, {again, Here}};
                none -> unknown
            end
    end.

repeated(new, _, S) ->
    S;
repeated({again, _}, End, #check{confirmed = Confirmed} = S) when End =< Confirmed ->
    finding(duplicate, {confirmed, Confirmed, End}, S);
repeated({again, true}, End, #check{strict = true} = S) ->
    finding(duplicate, {same_life, End}, S);
repeated({again, _}, _, S) ->
    count(repeated, S).

%% What is passed over now and comes later was out of order; what never comes
%% is found as lost.  A repeated one may step back, and forward from there.
order(Name, End, new, S) ->
    #lane{todo = Todo, skipped = Skipped} = Lane = lane(Name, S),
    S2 = case maps:is_key(End, Skipped) of
        true -> finding(disorder, {End, 'after', maps:get(End, Skipped)}, S);
        false -> S
    end,
    Lane2 = Lane#lane{skipped = skip(End, gb_trees:iterator(Todo), maps:remove(End, Skipped))},
    put_lane(Name, Lane2, S2);
order(Name, End, {again, _}, S) ->
    case lane(Name, S) of
        #lane{last = Last} when S#check.strict, End < Last ->
            finding(disorder, {End, 'after', Last}, S);
        _ ->
            S
    end.

skip(End, Iterator, Skipped) ->
    case gb_trees:next(Iterator) of
        {Earlier, _, Rest} when Earlier < End ->
            skip(End, Rest, maps:merge(#{Earlier => End}, Skipped));
        _ ->
            Skipped
    end.

part(#{first := First, count := Count, last := Last, runs := Runs}, Name,
     {Tx, Next, Seen, Ledger}, S) ->
    {Seen2, Ledger2, Errors} = lists:foldl(fun(Run, Acc) -> run(Run, Tx, Acc) end,
                                           {Seen, Ledger, []}, Runs),
    Holes = [{index, First, expected, Next} || First =/= Next],
    Ends = case Last of true -> complete(Tx, Seen2, Ledger2); false -> [] end,
    S2 = lists:foldl(fun({Kind, Detail}, Acc) -> finding(Kind, {element(1, Tx), Detail}, Acc) end,
                     S, Errors ++ [{torn, What} || What <- Holes ++ Ends]),
    Open = {Tx, First + Count, Seen2, Ledger2},
    put_lane(Name, (lane(Name, S2))#lane{open = case Last of true -> {whole, Open}; _ -> Open end},
             S2).

%% Rows of each kind are numbered from 0 on.
run({ledger, W, T, Counts}, {_, _, W, T, Counts}, {Seen, _, Errors}) ->
    {Seen, Counts, Errors};
run({truncate, W, 0, 0, 0}, {_, _, W, _, _}, Acc) ->
    tally(truncate, 1, Acc);
run({message, W, T, 0, 0}, {_, _, W, T, _}, Acc) ->
    tally(message, 1, Acc);
run({Op, W, T, From, To}, {_, _, W, T, _}, {Seen, Ledger, Errors} = Acc) ->
    case maps:get(Op, Seen, 0) of
        From -> tally(Op, To - From + 1, Acc);
        N -> {Seen#{Op => To + 1}, Ledger, [{torn, {Op, From, expected, N}} | Errors]}
    end;
run(Run, _, {Seen, Ledger, Errors}) ->
    {Seen, Ledger, [{wrong, {of_another_transaction, Run}} | Errors]}.

tally(Op, N, {Seen, Ledger, Errors}) ->
    {maps:update_with(Op, fun(Before) -> Before + N end, N, Seen), Ledger, Errors}.

complete({_, _, _, _, Counts}, Seen, Ledger) ->
    Found = list_to_tuple([maps:get(Op, Seen, 0)
                           || Op <- [insert, update, delete, truncate, message]]),
    [no_ledger || Ledger =:= none] ++ [{counted, Found, expected, Counts} || Found =/= Counts].

done(End, S) ->
    case [Name || {Name, #lane{open = {whole, {{E, _, _, _, _}, _, _, _}}}}
                      <- maps:to_list(S#check.lanes), E =:= End] of
        [Name] ->
            #lane{open = {whole, {Tx, _, _, _}}} = Lane = lane(Name, S),
            Lane2 = Lane#lane{open = none, last = End,
                              todo = gb_trees:delete_any(End, Lane#lane.todo)},
            count(done, put_lane(Name, Lane2, S#check{
                kept = gb_trees:enter(End, {Tx, true}, S#check.kept)}));
        [] when End =< S#check.forgotten ->
            S;
        [] ->
            finding(torn, {done_but_not_whole, End}, S)
    end.

lost(Lsn, S) ->
    maps:fold(fun(Name, Lane, Acc) -> lost(Lsn, Name, Lane, Acc) end, S, S#check.lanes).

lost(Lsn, Name, #lane{todo = Todo} = Lane, S) ->
    case gb_trees:is_empty(Todo) orelse gb_trees:smallest(Todo) of
        {End, Tx} when End =< Lsn ->
            lost(Lsn, Name, Lane#lane{todo = gb_trees:delete(End, Todo)},
                 finding(loss, {Tx, Lsn}, S));
        _ ->
            put_lane(Name, Lane, S)
    end.

forget_kept(#check{kept = Kept, confirmed = Confirmed} = S) ->
    case gb_trees:size(Kept) > ?KEEP andalso gb_trees:smallest(Kept) of
        {End, _} when End =< Confirmed ->
            forget_kept(S#check{kept = gb_trees:delete(End, Kept), forgotten = End});
        _ ->
            S
    end.
