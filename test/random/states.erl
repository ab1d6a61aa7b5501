%% A session says after an insert, in a logical message, how its catalogs
%% describe the table (RandomProbe.pm); the last relation event has to say the
%% same.
-module(states).
-export([differs/3]).

%% nothing | {Ours, Theirs}.  Without inserts nothing may have told of a
%% change yet.
differs(Theirs, Rels, #{actions := Actions}) ->
    [Oid | _] = binary:split(Theirs, <<$\n>>),
    case {lists:member(insert, Actions),
          maps:find(binary_to_integer(Oid), Rels)} of
        {true, {ok, Rel}} -> compare(iolist_to_binary(state(Oid, Rel)), Theirs);
        {true, error} -> {nothing, Theirs};
        {false, _} -> nothing
    end.

compare(Same, Same) -> nothing;
compare(Ours, Theirs) -> {Ours, Theirs}.

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
