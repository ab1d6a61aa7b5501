%% What test_decoding printed, as terms: the reference that agree.erl compares
%% frames with.
%%
%% The file is that of COPY (SELECT lsn, data ...).  A column is
%% {Name, Type, Value}, Type as the server formats it, Value null | unchanged |
%% {text, Text} with Text the output function's.
-module(decoded).
-export([read/1, type_name/1]).

%% [{Lsn, Change}]
read(File) ->
    {ok, Bytes} = file:read_file(File),
    [line(Line) || Line <- binary:split(Bytes, <<$\n>>, [global]),
                   Line =/= <<>>].

line(Line) ->
    [Lsn, Data] = binary:split(Line, <<$\t>>),
    {Lsn, change(unescape(Data, <<>>))}.

%% The escapes of COPY's text format.
unescape(<<$\\, C, Rest/binary>>, Done) ->
    Char = case C of
               $b -> $\b;
               $f -> $\f;
               $n -> $\n;
               $r -> $\r;
               $t -> $\t;
               $v -> $\v;
               _ -> C
           end,
    unescape(Rest, <<Done/binary, Char>>);
unescape(<<C, Rest/binary>>, Done) ->
    unescape(Rest, <<Done/binary, C>>);
unescape(<<>>, Done) ->
    Done.

change(<<"BEGIN ", Xid/binary>>) ->
    {'begin', binary_to_integer(Xid)};
change(<<"COMMIT ", Xid/binary>>) ->
    {commit, binary_to_integer(Xid)};
change(<<"table ", Rest/binary>>) ->
    table(name(Rest), []);
change(<<"message: transactional: ", Flag, " prefix: ", Rest/binary>>) ->
    [Prefix, Sized] = binary:split(Rest, <<", sz: ">>),
    [_, Content] = binary:split(Sized, <<" content:">>),
    {message, Flag =:= $1, Prefix, Content}.

table({Name, <<", ", Rest/binary>>}, Names) ->
    table(name(Rest), [Name | Names]);
table({Name, <<": ", Rest/binary>>}, Names) ->
    operation(Rest, lists:reverse(Names, [Name])).

operation(<<"INSERT:", Rest/binary>>, [Name]) ->
    {insert, Name, columns(Rest)};
operation(<<"UPDATE: old-key:", Rest/binary>>, [Name]) ->
    {Old, New} = columns(Rest, []),
    {update, Name, Old, columns(New)};
operation(<<"UPDATE:", Rest/binary>>, [Name]) ->
    {update, Name, none, columns(Rest)};
operation(<<"DELETE: (no-tuple-data)">>, [Name]) ->
    {delete, Name, none};
operation(<<"DELETE:", Rest/binary>>, [Name]) ->
    {delete, Name, columns(Rest)};
operation(<<"TRUNCATE: (no-flags)">>, Names) ->
    {truncate, Names, []};
operation(<<"TRUNCATE: ", Flags/binary>>, Names) ->
    {truncate, Names, binary:split(Flags, <<" ">>, [global])}.

%% schema.table
name(Text) ->
    {Schema, <<$., Rest/binary>>} = identifier(Text),
    {Table, Rest1} = identifier(Rest),
    {{Schema, Table}, Rest1}.

identifier(<<$", Rest/binary>>) -> quoted(Rest, $", <<>>);
identifier(Text) -> bare(Text, 0).

bare(Text, N) ->
    case Text of
        <<_:N/binary, C, _/binary>>
          when C >= $a, C =< $z; C >= $0, C =< $9; C =:= $_ ->
            bare(Text, N + 1);
        <<Name:N/binary, Rest/binary>> ->
            {Name, Rest}
    end.

%% Up to a quote that is not doubled.
quoted(<<Q, Q, Rest/binary>>, Q, Done) -> quoted(Rest, Q, <<Done/binary, Q>>);
quoted(<<Q, Rest/binary>>, Q, Done) -> {Done, Rest};
quoted(<<C, Rest/binary>>, Q, Done) -> quoted(Rest, Q, <<Done/binary, C>>).

columns(Text) ->
    {Columns, <<>>} = columns(Text, []),
    Columns.

columns(<<" new-tuple:", Rest/binary>>, Columns) ->
    {lists:reverse(Columns), Rest};
columns(<<" ", Rest/binary>>, Columns) ->
    {Name, <<$[, Rest1/binary>>} = identifier(Rest),
    {Type, <<$:, Rest2/binary>>} = type(Rest1, 0, 0),
    {Value, Rest3} = value(Rest2),
    columns(Rest3, [{Name, Type, Value} | Columns]);
columns(<<>>, Columns) ->
    {lists:reverse(Columns), <<>>}.

%% Up to the bracket that closes; those of arrays and quoted names are inside.
type(Text, N, Depth) ->
    case Text of
        <<Type:N/binary, $], Rest/binary>> when Depth =:= 0 -> {Type, Rest};
        <<_:N/binary, $], _/binary>> -> type(Text, N + 1, Depth - 1);
        <<_:N/binary, $[, _/binary>> -> type(Text, N + 1, Depth + 1);
        <<_:N/binary, $", Rest/binary>> ->
            {_, After} = quoted(Rest, $", <<>>),
            type(Text, byte_size(Text) - byte_size(After), Depth);
        _ -> type(Text, N + 1, Depth)
    end.

%% The last part of schema.type.
type_name(Type) ->
    {_, <<$., Rest/binary>>} = identifier(Type),
    {Name, <<>>} = identifier(Rest),
    Name.

value(<<"null", Rest/binary>>) -> {null, Rest};
value(<<"unchanged-toast-datum", Rest/binary>>) -> {unchanged, Rest};
value(<<"true", Rest/binary>>) -> {{text, <<"t">>}, Rest};
value(<<"false", Rest/binary>>) -> {{text, <<"f">>}, Rest};
value(<<"B'", Rest/binary>>) -> literal(Rest);
value(<<"'", Rest/binary>>) -> literal(Rest);
value(Text) -> number(Text, 0).

literal(Text) ->
    {Value, Rest} = quoted(Text, $', <<>>),
    {{text, Value}, Rest}.

number(Text, N) ->
    case Text of
        <<_:N/binary, C, _/binary>> when C =/= $\s -> number(Text, N + 1);
        <<Value:N/binary, Rest/binary>> -> {{text, Value}, Rest}
    end.
