%% A value as the plugin sent it beside the text of the same value: down to
%% scalars, which the server then compares.
%%
%% Form is how the plugin was asked to write, no value being "auto":
%% #{null => Atom, dialect => elixir | erlang | compact, numeric => decimal |
%% text | float, json => term | text, json_numbers => float | decimal,
%% timetz => utc | offset}.
-module(leaves).
-export([pairs/4]).

%% [{Kind, Ours, Theirs}]; raises {differ, Ours, Theirs}.  Kind is a type's
%% OID, with a letter where the form cannot tell all of the value.
pairs(Term, null, _Shape, #{null := Null}) ->
    same(Term =:= Null, Term, null),
    [];
pairs(Term, {text, Text}, Shape, Form) ->
    is_json(Shape) orelse same(Term =/= maps:get(null, Form), Term, Text),
    inside(Term, Text, Shape, Form).

same(true, _, _) -> ok;
same(false, Ours, Theirs) -> error({differ, Ours, Theirs}).

is_json(Shape) -> Shape =:= 114 orelse Shape =:= 3802.

inside(Term, Text, {array, Shape}, Form) ->
    array(Term, nested:array(Text, delimiter(Shape)), Shape, Form);
inside(Term, Text, {composite, Fields}, Form) ->
    Theirs = nested:composite(Text, length(Fields)),
    Ours = fields(Term, Fields),
    same(length(Ours) =:= length(Theirs), Term, Text),
    lists:append([pairs(T, X, Shape, Form)
                  || {T, X, {_, Shape, _}} <- lists:zip3(Ours, Theirs,
                                                         Fields)]);
inside(Term, Text, {range, Shape}, Form) ->
    range(limits(Term), nested:range(Text), Shape, Form);
inside(Term, Text, {multirange, Shape}, Form) ->
    Ours = case Term of
               #{ranges := Ranges} -> Ranges;
               _ -> Term
           end,
    Theirs = nested:multirange(Text),
    same(length(Ours) =:= length(Theirs), Term, Text),
    lists:append([range(limits(T), X, Shape, Form)
                  || {T, X} <- lists:zip(Ours, Theirs)]);
inside(Term, Text, Oid, Form) ->
    {Kind, Ours} = try
                       scalars:text(Term, Oid, Form)
                   catch
                       error:_ -> error({differ, Term, Text})
                   end,
    [{Kind, iolist_to_binary(Ours), Text}].

delimiter(603) -> $;;
delimiter({array, Shape}) -> delimiter(Shape);
delimiter(_) -> $,.

array(Ours, Theirs, _, _) when not is_list(Ours);
                               length(Ours) =/= length(Theirs) ->
    error({differ, Ours, Theirs});
array(Ours, Theirs, Shape, Form) ->
    lists:append([case X of
                      _ when is_list(X) -> array(T, X, Shape, Form);
                      _ -> pairs(T, X, Shape, Form)
                  end || {T, X} <- lists:zip(Ours, Theirs)]).

%% By name or by place, and nothing else.
fields(Row, Fields) when is_map(Row), map_size(Row) =:= length(Fields) ->
    Keyed = maps:fold(fun(K, V, Map) -> Map#{key(K) => V} end, #{}, Row),
    [maps:get(Name, Keyed) || {Name, _, _} <- Fields];
fields(Row, _) when is_tuple(Row) ->
    tuple_to_list(Row);
fields(Row, Fields) ->
    error({differ, Row, Fields}).

key(Key) when is_atom(Key) -> atom_to_binary(Key, utf8);
key(Key) -> Key.

%% empty | {Lower, Upper, LowerInclusive, UpperInclusive}, ends that are
%% missing as unbound.
limits(#{lower := empty}) -> empty;
limits(#{lower := L, upper := U, lower_inclusive := LI,
         upper_inclusive := UI}) -> {L, U, LI, UI};
limits(empty) -> empty;
limits({{L, U}, {LI, UI}}) -> {unbound(L), unbound(U), LI, UI};
limits({_, _, 16}) -> empty;
limits({L, U, Flags}) when Flags < 16 ->
    {case Flags band 4 of 0 -> L; _ -> unbound end,
     case Flags band 8 of 0 -> U; _ -> unbound end,
     Flags band 1 =/= 0, Flags band 2 =/= 0}.

unbound(Atom) when Atom =:= minus_infinity; Atom =:= plus_infinity -> unbound;
unbound(Value) -> Value.

range(empty, empty, _, _) ->
    [];
range({L, U, LI, UI}, {Lower, Upper, LI, UI}, Shape, Form) ->
    bound(L, Lower, Shape, Form) ++ bound(U, Upper, Shape, Form);
range(Ours, Theirs, _, _) ->
    error({differ, Ours, Theirs}).

bound(unbound, null, _, _) -> [];
bound(Ours, {text, Text}, Shape, Form) when Ours =/= unbound ->
    pairs(Ours, {text, Text}, Shape, Form);
bound(Ours, Theirs, _, _) -> error({differ, Ours, Theirs}).
