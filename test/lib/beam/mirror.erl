%% Frames as SQL that repeats the changes on tables of the same names in
%% schema "mirror".
-module(mirror).
-export([sql/1]).

sql(Frames) ->
    {Sql, _} = lists:mapfoldl(fun transaction/2, #{}, Frames),
    ["SET search_path = public;\n", Sql].

transaction({message, _, _, _}, Rels) ->
    {[], Rels};
transaction({tx, Part, _, _, _, _, Events}, Rels) ->
    {Sql, Rels1} = lists:mapfoldl(fun event/2, Rels, Events),
    Begin = ["BEGIN;\n" || Part =:= whole orelse Part =:= first],
    Commit = ["COMMIT;\n" || Part =:= whole orelse Part =:= last],
    {[Begin, Sql, Commit], Rels1}.

event({relation, Rel, _Schema, Table, Identity, Columns}, Rels) ->
    {[], Rels#{Rel => {Table, Identity, Columns}}};
event(Event, Rels) ->
    {statement(Event, Rels), Rels}.

statement({insert, Rel, New}, Rels) ->
    {Table, _, Columns} = maps:get(Rel, Rels),
    Pairs = written(columns(New, Columns)),
    ["INSERT INTO ", name(Table), " (", lists:join(", ", [N || {N, _} <- Pairs]),
     ") VALUES (", lists:join(", ", [V || {_, V} <- Pairs]), ");\n"];
statement({update, Rel, Old, New}, Rels) ->
    {Table, Identity, Columns} = maps:get(Rel, Rels),
    Pairs = written(columns(New, Columns)),
    Row = case Old of
              nil -> {key, keys(columns(New, Columns))};
              _ -> old(Old, Columns)
          end,
    ["UPDATE ", name(Table), " SET ",
     lists:join(", ", [[N, " = ", V] || {N, V} <- Pairs]),
     where(Row, Table, Identity), ";\n"];
statement({delete, Rel, Old}, Rels) ->
    {Table, Identity, Columns} = maps:get(Rel, Rels),
    ["DELETE FROM ", name(Table),
     where(old(Old, Columns), Table, Identity), ";\n"];
statement({truncate, Tables, _}, Rels) ->
    Names = [name(element(1, maps:get(Rel, Rels))) || Rel <- Tables],
    ["TRUNCATE ", lists:join(", ", Names), ";\n"];
statement({message, _, _}, _Rels) ->
    [].

%% [{Column, Value}]
columns(Row, Columns) when is_map(Row) ->
    [{C, maps:get(element(1, C), Row)} || C <- Columns];
columns(Row, Columns) when is_tuple(Row) ->
    lists:zip(Columns, tuple_to_list(Row)).

old({full, Row}, Columns) -> {full, columns(Row, Columns)};
old({key, Row}, Columns) -> {key, columns(Row, key_columns(Columns))}.

keys(Pairs) -> [Pair || {Column, _} = Pair <- Pairs, is_key(Column)].

key_columns(Columns) -> [Column || Column <- Columns, is_key(Column)].

is_key({_, _, _, _, Flags}) -> lists:member(key, Flags).

%% What a statement sets: neither generated columns nor what did not change.
written(Pairs) ->
    [{identifier(Name), literal(Value, Column)}
     || {{Name, _, _, _, Flags} = Column, Value} <- Pairs,
        not lists:member(generated, Flags), Value =/= unchanged_toast].

where({key, Pairs}, _Table, _Identity) ->
    [" WHERE ", lists:join(" AND ", [[identifier(element(1, C)), " = ",
                                      literal(V, C)] || {C, V} <- Pairs])];
where({full, Pairs}, Table, full) ->
    %% Two rows may be equal: take one.
    [" WHERE ctid = (SELECT ctid FROM ", name(Table), " WHERE ",
     lists:join(" AND ", [same(C, V) || {C, V} <- Pairs]), " LIMIT 1)"].

same({Name, _, Type, _, _} = Column, Value) ->
    [identifier(Name), "::text IS NOT DISTINCT FROM ", literal(Value, Column),
     "::", identifier(Type), "::text"].

literal(Value, {_, Oid, _, _, Flags}) ->
    Shape = case lists:keyfind(as, 1, [F || F <- Flags, is_tuple(F)]) of
                {as, S} -> S;
                false -> Oid
            end,
    case values:text(Value, Shape) of
        null -> "NULL";
        Text -> [$', double($', iolist_to_binary(Text)), $']
    end.

name(Table) -> ["mirror.", identifier(Table)].

identifier(Name) -> [$", double($", Name), $"].

double(Quote, Text) -> [case C of
                            Quote -> [C, C];
                            _ -> C
                        end || <<C>> <= Text].
