%% Rows of a mirror as text.  What a relation says of a column, its shape, is how
%% its values are read.
-module(row_text).

-export([described/1, line/2, insert/3, value/2]).

described({relation, _, Schema, Table, _, Columns}) ->
    Keys = [Name || {Name, _, _, _, Flags} <- Columns, lists:member(key, Flags)],
    Primary = [Name || {Name, _, _, _, Flags} <- Columns, lists:member(primary, Flags)],
    Key =
        case Keys of
            [] -> Primary;
            _ -> Keys
        end,
    {<<Schema/binary, ".", Table/binary>>, Key, [{Name, shape(Type, Flags)} || {Name, Type, _, _, Flags} <- Columns]}.

shape(Type, Flags) ->
    case lists:keyfind(as, 1, [Flag || Flag <- Flags, is_tuple(Flag)]) of
        {as, Shape} -> Shape;
        false -> Type
    end.

%% "Column=MD5 ..." of the values' texts, columns in order.
line(Row, Shapes) ->
    Columns = lists:sort(maps:to_list(Row)),
    iolist_to_binary(
        lists:join(" ", [[Name, "=", hex(erlang:md5(value(Value, maps:get(Name, Shapes))))] || {Name, Value} <- Columns])
    ).

%% A statement that inserts a row, a list of columns with their values.
insert(Into, [], _) ->
    ["INSERT INTO ", Into, " DEFAULT VALUES;\n"];
insert(Into, Columns, Shapes) ->
    [
        ["INSERT INTO ", Into, " (", lists:join(", ", [quoted($", Name) || {Name, _} <- Columns]), ") VALUES ("],
        lists:join(", ", [literal(Value, maps:get(Name, Shapes)) || {Name, Value} <- Columns]),
        ");\n"
    ].

literal(nil, _) -> "NULL";
literal(Value, Shape) -> quoted($', value(Value, Shape)).

quoted(Quote, Text) ->
    [Quote, binary:replace(iolist_to_binary(Text), <<Quote>>, <<Quote, Quote>>, [global]), Quote].

value(nil, _) -> <<"NULL">>;
value(Value, Shape) -> iolist_to_binary(values:text(Value, Shape)).

hex(Bytes) -> [io_lib:format("~2.16.0b", [Byte]) || <<Byte>> <= Bytes].
