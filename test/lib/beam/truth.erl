%% Frames as the lines that EtfPgoutput.pm makes of pgoutput's messages: one
%% for each transaction that has events and one for each of its changes.
-module(truth).
-export([lines/1]).

lines(Frames) ->
    {Lines, _} = lists:mapfoldl(fun frame/2, #{}, Frames),
    lists:append(Lines).

frame({message, _Lsn, Prefix, Content}, Rels) ->
    {[["now ", Prefix, $\s, Content]], Rels};
frame({commit_prepared = Kind, {Xid, Lsn, _, _}, #{gid := Gid}}, Rels) ->
    {[[head(Kind, Xid, Lsn), $\s, Gid]], Rels};
frame({rollback_prepared = Kind, {Xid, _, End, _}, #{gid := Gid}}, Rels) ->
    {[[head(Kind, Xid, End), $\s, Gid]], Rels};
frame({Kind, Part, {Xid, Lsn, _, _}, _, _, Meta, Events}, Rels) ->
    {Lines, Rels1} = lists:mapfoldl(fun event/2, Rels, Events),
    Gid = [[$\s, maps:get(gid, Meta)] || Kind =:= prepare],
    Changes = lists:append(Lines),
    Head = [[head(Kind, Xid, Lsn), Gid]
            || Part =:= first orelse Part =:= whole andalso
                   (Changes =/= [] orelse Kind =:= prepare)],
    {Head ++ Changes, Rels1}.

head(Kind, Xid, Lsn) ->
    [atom_to_list(Kind), $\s, integer_to_list(Xid), $\s, lsn(Lsn)].

lsn(Lsn) -> values:text(Lsn, 3220).

%% A delete of a row without identity is not in pgoutput's stream.
event({relation, Rel, Schema, Table, _Identity, Columns}, Rels) ->
    {[], Rels#{Rel => {[Schema, $., Table], Columns}}};
event({delete, _, none}, Rels) ->
    {[], Rels};
event(Event, Rels) ->
    {[change(Event, Rels)], Rels}.

change({insert, Rel, New}, Rels) ->
    {Name, Columns} = maps:get(Rel, Rels),
    ["insert ", Name, $\s, row(New, Columns)];
change({update, Rel, Old, New}, Rels) ->
    {Name, Columns} = maps:get(Rel, Rels),
    ["update ", Name, $\s, old(Old, Columns), " to ", row(New, Columns)];
change({delete, Rel, Old}, Rels) ->
    {Name, Columns} = maps:get(Rel, Rels),
    ["delete ", Name, $\s, old(Old, Columns)];
change({truncate, List, Flags}, Rels) ->
    Names = lists:sort([iolist_to_binary(element(1, maps:get(Rel, Rels)))
                        || Rel <- List]),
    ["truncate ", lists:join($,, Names),
     [[$\s, atom_to_list(Flag)] || Flag <- Flags]];
change({message, Prefix, Content}, _Rels) ->
    ["message ", Prefix, $\s, Content].

old(nil, _) -> "nil";
old({full, Row}, Columns) -> ["full ", row(Row, Columns)];
old({key, Row}, Columns) ->
    ["key ", row(Row, [C || {_, _, _, _, Flags} = C <- Columns,
                            lists:member(key, Flags)])].

row(Row, Columns) ->
    lists:join($\s, [[Name, $=, value(maps:get(Name, Row), Column)]
                     || {Name, _, _, _, _} = Column <- Columns]).

value(unchanged_toast, _) -> "unchanged";
value(Value, {_, Oid, _, _, Flags}) ->
    Shape = case lists:keyfind(as, 1, [F || F <- Flags, is_tuple(F)]) of
                {as, S} -> S;
                false -> Oid
            end,
    case values:text(Value, Shape) of
        null -> "null";
        Text -> [$', Text, $']
    end.
