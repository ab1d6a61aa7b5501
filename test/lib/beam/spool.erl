%% Streams as the transactions that they become, and what their frames promise.
%%
%% spooled/2 keeps what is in progress, cuts off what was rolled back, and has
%% each stream in the place of its end.  whole/1 has each transaction in one
%% frame, without descriptions: alike however it was sent.
-module(spool).
-export([spooled/2, whole/1]).

spooled(Frames, Opts) ->
    {Lists, _} = lists:mapfoldl(fun(F, S) -> frame(F, S, Opts) end,
                                #{open => false}, Frames),
    lists:append(Lists).

%% A stream is {NextIndex, LastLsn, [{SubXid, Count, Events}]}, last first.
frame({stream, Part, {Xid, Sub, Lsn}, First, Count, Meta, Events}, State, Opts) ->
    promise("a stream is not within a transaction",
            not maps:get(open, State), Xid),
    promise("Meta is a map", is_map(Meta), Meta),
    {Next, Last, Kept} = case {Part, State} of
                             {first, _} -> {0, 0, []};
                             {more, #{Xid := Stream}} -> Stream
                         end,
    promise("indexes of a stream are contiguous", First =:= Next, {First, Next}),
    promise("frames of a stream are in the order of the WAL",
            Lsn >= Last, {Lsn, Last}),
    promise("a stream's frame is not empty", Count > 0, Xid),
    frames:contents(Count, Events, #{}, Opts),
    {[], State#{Xid => {Next + Count, Lsn, [{Sub, Count, Events} | Kept]}}};
frame({stream_abort, {Xid, Xid, Lsn, Time}}, State, _) ->
    promise("only what was sent is void", is_map_key(Xid, State), Xid),
    promise("an abort", is_integer(Lsn) andalso is_integer(Time), {Lsn, Time}),
    {[], maps:remove(Xid, State)};
frame({stream_abort, {Xid, Sub, _, _}}, State, _) ->
    promise("only what was sent is void", is_map_key(Xid, State), Xid),
    #{Xid := {Next, Last, Kept}} = State,
    {[], State#{Xid := {Next, Last, cut(Sub, Kept)}}};
frame({stream_commit, {Xid, _, _, _} = Head, Meta}, State, _) ->
    {replay(tx, Head, Meta, State), maps:remove(Xid, State)};
frame({stream_prepare, {Xid, _, _, _} = Head, Meta}, State, _) ->
    {replay(prepare, Head, Meta, State), maps:remove(Xid, State)};
frame({_, Part, _, _, _, _, _} = Frame, State, _) ->
    {[Frame], State#{open := Part =:= first orelse Part =:= middle}};
frame(Frame, State, _) ->
    {[Frame], State}.

%% What is before the first frame of the subtransaction.
cut(Sub, Kept) ->
    case lists:keymember(Sub, 1, Kept) of
        true -> cut(Sub, tl(lists:dropwhile(fun({S, _, _}) -> S =/= Sub end, Kept)));
        false -> Kept
    end.

replay(Kind, {Xid, _, _, _} = Head, Meta, State) ->
    promise("a stream that ends was sent", is_map_key(Xid, State), Xid),
    #{Xid := {_, _, Kept}} = State,
    {Frames, _} = lists:mapfoldl(
                    fun({_, Count, Events}, First) ->
                            {{Kind, middle, Head, First, Count, Meta, Events},
                             First + Count}
                    end, 0, lists:reverse(Kept)),
    parts(Kind, Head, Meta, Frames).

parts(Kind, Head, Meta, []) ->
    [{Kind, whole, Head, 0, 0, Meta, []}];
parts(_, _, _, [Frame]) ->
    [setelement(2, Frame, whole)];
parts(_, _, _, [First | More]) ->
    [setelement(2, First, first) | lists:droplast(More)]
        ++ [setelement(2, lists:last(More), last)].

%% What is prepared and then rolled back may be incomplete, so it is empty here.
whole(Frames) ->
    Void = [Xid || {rollback_prepared, {Xid, _, _, _}, _} <- Frames],
    [case Frame of
         {prepare, {Xid, _, _, _} = Head, Meta, _} ->
             case lists:member(Xid, Void) of
                 true -> {prepare, Head, Meta, []};
                 false -> Frame
             end;
         _ -> Frame
     end || Frame <- merged(Frames)].

%% An empty one is sent, or not: of a stream it is not known.
merged([{Kind, Part, Head, First, _, Meta, Events} | Frames]) ->
    {More, Rest} = case Part of
                       whole -> {[], Frames};
                       first -> rest(Kind, First, Frames)
                   end,
    All = [E || E <- Events ++ More, element(1, E) =/= relation],
    case {Kind, All} of
        {tx, []} -> merged(Rest);
        _ -> [{Kind, Head, Meta, All} | merged(Rest)]
    end;
merged([Frame | Frames]) ->
    [Frame | merged(Frames)];
merged([]) ->
    [].

rest(Kind, Index, [{Kind, Part, _, First, _, _, Events} | Frames])
  when First > Index ->
    {More, Rest} = case Part of
                       last -> {[], Frames};
                       middle -> rest(Kind, First, Frames)
                   end,
    {Events ++ More, Rest}.

promise(_Text, true, _Detail) -> ok;
promise(Text, _, Detail) -> error({broken, Text, Detail}).
