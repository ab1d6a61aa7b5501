%% A session says in a logical message, right behind an insert or a truncate,
%% how its catalogs describe the table (RandomProbe.pm): the last relation
%% event has to say the same.
-module(states).
-export([differs/2]).

%% nothing | {Ours, Theirs}: the first lines that differ.
differs(Theirs, Rels) ->
    [Oid | _] = Lines = binary:split(Theirs, <<$\n>>, [global]),
    case maps:find(binary_to_integer(Oid), Rels) of
        {ok, Rel} -> first(lines(Oid, Rel), Lines);
        error -> {nothing, Oid}
    end.

lines(Oid, Rel) ->
    binary:split(iolist_to_binary(state(Oid, Rel)), <<$\n>>, [global]).

first([Same | Ours], [Same | Theirs]) -> first(Ours, Theirs);
first([], []) -> nothing;
first([], [Theirs | _]) -> {nothing, Theirs};
first([Ours | _], []) -> {Ours, nothing};
first([Ours | _], [Theirs | _]) -> {Ours, Theirs}.

state(Oid, {{Schema, Table}, Identity, Columns}) ->
    [Oid, $\n, Schema, $\n, Table, $\n, atom_to_list(Identity),
     [[$\n, column(C)] || C <- Columns]].

column({Name, Oid, Type, Typmod, Flags}) ->
    [Name, $\s, integer_to_list(Oid), $\s, Type, $\s,
     integer_to_list(Typmod), [[$\s, flag(F)] || F <- Flags]].

flag({as, Shape}) -> shape(Shape);
flag(Flag) -> atom_to_list(Flag).

shape(Oid) when is_integer(Oid) -> integer_to_list(Oid);
shape({composite, Fields}) ->
    [${, lists:join($,, [[Name, $:, shape(Shape), $/, integer_to_list(Mod)]
                         || {Name, Shape, Mod} <- Fields]), $}];
shape({Kind, Shape}) -> [atom_to_list(Kind), $(, shape(Shape), $)].
