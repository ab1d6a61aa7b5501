%% Single changes, as they come by default, put together again: what belongs to
%% one transaction and was handed over together is a part of it.
-module(chaos_parts).

-export([handle/2, lane/1]).

%% Takes changes in the order in which they came; how many of them are handled
%% before the first that is not.
-spec handle(fun((map()) -> integer()), [map()]) -> non_neg_integer().
handle(Lane, Changes) -> handle(Lane, Changes, 0).

handle(_, [], Done) ->
    Done;
handle(Lane, [#{xid := nil} = Message | Changes], Done) ->
    ok = chaos_reader:outside(Message),
    handle(Lane, Changes, Done + 1);
handle(Lane, [#{commit_lsn := Commit} | _] = Changes, Done) ->
    {Of, Rest} = lists:splitwith(fun(#{commit_lsn := C}) -> C =:= Commit end, Changes),
    case chaos_sink:handle(Lane(hd(Of)), part(Of), [chaos_reader:change(C) || C <- Of]) of
        ok -> handle(Lane, Rest, Done + length(Of));
        {error, _} -> Done
    end.

%% The first ones may not know the end yet.
part([#{commit_lsn := Commit, index := First} | _] = Changes) ->
    #{'last?' := Last, end_lsn := End} = lists:last(Changes),
    #{commit => Commit, 'end' => End, first => First, count => length(Changes), last => Last}.

%% The writer, whose changes keep their order.
lane(Change) -> chaos_row:writer(chaos_reader:change(Change)).
