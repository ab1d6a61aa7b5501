%% Terms back to the text that PostgreSQL reads, for every type and dialect.
%%
%% The inverse of the plugin's encoders, written from docs/types.md alone: a
%% value that survives the way there and back was told in full.
-module(values).
-export([text/2]).

%% Shape is that of a relation event's {as, Shape}, or a type's OID.
text(nil, _) -> null;
text(List, {array, Shape}) when is_list(List) -> array(List, Shape);
text(Row, {composite, Fields}) -> composite(Row, Fields);
text(Range, {range, Shape}) -> range(Range, Shape);
text(#{ranges := Ranges}, {multirange, Shape}) -> ranges(Ranges, Shape);
text(Ranges, {multirange, Shape}) -> ranges(Ranges, Shape);
text({unconverted, Bytes}, _) -> Bytes;
text({unparsed, Bytes}, _) -> Bytes;
text(true, Oid) when Oid =:= 16 -> "t";
text(false, Oid) when Oid =:= 16 -> "f";
text(Term, Oid) when Oid =:= 114; Oid =:= 3802 -> json(Term);
text(Atom, _) when is_atom(Atom) -> special(Atom);
text(<<0>>, 18) -> "";
text(Bytes, 17) -> ["\\x", hex(Bytes)];
text(Lsn, 3220) -> io_lib:format("~.16B/~.16B", [Lsn bsr 32,
                                                 Lsn band 16#FFFFFFFF]);
text({Block, Offset}, 27) -> io_lib:format("(~b,~b)", [Block, Offset]);
text(Number, 1700) -> numeric(Number);
text(Bits, Oid) when Oid =:= 1560; Oid =:= 1562 ->
    [$0 + Bit || <<Bit:1>> <= Bits];
text(Uuid, 2950) when byte_size(Uuid) =:= 16 -> hex(Uuid);
text(Date, 1082) -> times:date(Date);
text(Time, 1083) -> times:time(Time);
text({Time, Offset}, 1266) -> times:timetz(Time, Offset);
text(Timestamp, Oid) when Oid =:= 1114 -> times:timestamp(Timestamp);
text(Timestamp, Oid) when Oid =:= 1184 -> [times:timestamp(Timestamp), "+00"];
text(Interval, 1186) -> times:interval(Interval);
text(Address, Oid) when Oid =:= 869; Oid =:= 650 -> shapes:inet(Address);
text(Address, Oid) when Oid =:= 829; Oid =:= 774 -> shapes:mac(Address);
text(Shape, Oid) when Oid =:= 600; Oid =:= 601; Oid =:= 602; Oid =:= 603;
                      Oid =:= 604; Oid =:= 628; Oid =:= 718 ->
    shapes:shape(Shape, Oid);
text(Lexemes, 3614) when is_list(Lexemes) ->
    lists:join($\s, [lexeme(L) || L <- Lexemes]);
text(Map, _Hstore) when is_map(Map) ->
    lists:join($,, [[quote(K), "=>", case V of
                                         nil -> "NULL";
                                         _ -> quote(V)
                                     end] || {K, V} <- maps:to_list(Map)]);
text(Number, _) when is_integer(Number) -> integer_to_list(Number);
text(Float, _) when is_float(Float) -> float_text(Float, <<Float/float>>);
text(Text, _) when is_binary(Text) -> Text.

%% Older OTPs print a negative zero without its sign.
float_text(_, <<1:1, 0:63>>) -> "-0.0";
float_text(Float, _) -> io_lib:format("~w", [Float]).

special(Atom) when Atom =:= 'NaN'; Atom =:= nan -> "NaN";
special(Atom) when Atom =:= inf; Atom =:= infinity -> "infinity";
special(Atom) when Atom =:= '-inf'; Atom =:= '-infinity' -> "-infinity".

hex(Bytes) -> [io_lib:format("~2.16.0b", [B]) || <<B>> <= Bytes].

numeric(#{coef := 'NaN'}) -> "NaN";
numeric(#{coef := inf, sign := 1}) -> "Infinity";
numeric(#{coef := inf, sign := -1}) -> "-Infinity";
numeric(#{coef := Coef, exp := Exp, sign := Sign}) ->
    decimal(Sign * Coef, Exp);
numeric({Coef, Exp}) -> decimal(Coef, Exp);
numeric(Text) when is_binary(Text) -> Text.

decimal(Coef, Exp) -> [integer_to_list(Coef), "e", integer_to_list(Exp)].

lexeme(#{word := Word, positions := Positions}) -> lexeme(Word, Positions);
lexeme({Word, Positions}) -> lexeme(Word, Positions).

lexeme(Word, Positions) ->
    Escaped = [case C of
                   $' -> "''";
                   $\\ -> "\\\\";
                   _ -> C
               end || <<C>> <= Word],
    [$', Escaped, $', [$: || Positions =/= []],
     lists:join($,, [[integer_to_list(P), [atom_to_list(W) || W =/= nil]]
                     || {P, W} <- Positions])].

%% Elements whose own term is a list are tested in one dimension only, as a
%% list of lists could be either.
array(List, Shape) ->
    Depth = case Shape of
                Oid when Oid =:= 3614; Oid =:= 114; Oid =:= 3802;
                         Oid =:= 604 -> 1;
                {multirange, _} -> 1;
                {array, _} -> 1;
                _ -> depth(List)
            end,
    array(List, Shape, Depth).

depth([Head | _]) when is_list(Head) -> 1 + depth(Head);
depth(_) -> 1.

array(List, Shape, 1) ->
    [${, lists:join(delimiter(Shape), [element_text(text(E, Shape))
                                       || E <- List]), $}];
array(List, Shape, Depth) ->
    [${, lists:join(delimiter(Shape), [array(E, Shape, Depth - 1)
                                       || E <- List]), $}].

%% The text of a box has commas of its own.
delimiter(603) -> $;;
delimiter(_) -> $,.

element_text(null) -> "NULL";
element_text(Text) -> quote(Text).

composite(Row, Fields) when is_map(Row) ->
    fields([text(maps:get(Name, Row), Shape) || {Name, Shape, _} <- Fields]);
composite(Row, Fields) ->
    Pairs = lists:zip(tuple_to_list(Row), Fields),
    fields([text(Value, Shape) || {Value, {_, Shape, _}} <- Pairs]).

fields(Texts) ->
    [$(, lists:join($,, [case T of
                             null -> "";
                             _ -> quote(T)
                         end || T <- Texts]), $)].

%% Double quotes and backslashes, as arrays, composites and hstore read them.
quote(Text) ->
    [$", [case C of
              $" -> "\\\"";
              $\\ -> "\\\\";
              _ -> C
          end || <<C>> <= iolist_to_binary(Text)], $"].

ranges(Ranges, Shape) ->
    [${, lists:join($,, [range(R, Shape) || R <- Ranges]), $}].

range(#{lower := empty}, _) -> "empty";
range(#{lower := L, upper := U, lower_inclusive := LI,
        upper_inclusive := UI}, Shape) ->
    range(L, LI, U, UI, Shape);
range(empty, _) -> "empty";
range({{L, U}, {LI, UI}}, Shape) -> range(L, LI, U, UI, Shape);
range({_, _, 16}, _) -> "empty";
range({L, U, Flags}, Shape) ->
    Lower = case Flags band 4 of 0 -> L; _ -> unbound end,
    Upper = case Flags band 8 of 0 -> U; _ -> unbound end,
    range(Lower, Flags band 1 =/= 0, Upper, Flags band 2 =/= 0, Shape).

range(L, LI, U, UI, Shape) ->
    [case LI of true -> $[; false -> $( end, bound(L, Shape), $,,
     bound(U, Shape), case UI of true -> $]; false -> $) end].

bound(Unbound, _) when Unbound =:= unbound; Unbound =:= minus_infinity;
                       Unbound =:= plus_infinity -> "";
bound(Value, Shape) -> quote(text(Value, Shape)).

json(#{coef := _, exp := _} = Decimal) -> numeric(Decimal);
json({Coef, Exp}) -> decimal(Coef, Exp);
json(nil) -> "null";
json(Atom) when is_atom(Atom) -> atom_to_list(Atom);
json(Map) when is_map(Map) ->
    [${, lists:join($,, [[json_string(K), $:, json(V)]
                         || {K, V} <- maps:to_list(Map)]), $}];
json(List) when is_list(List) ->
    [$[, lists:join($,, [json(V) || V <- List]), $]];
json(Text) when is_binary(Text) -> json_string(Text);
json(Number) -> io_lib:format("~w", [Number]).

json_string(Text) ->
    [$", [case C of
              $" -> "\\\"";
              $\\ -> "\\\\";
              _ when C < 32 -> io_lib:format("\\u~4.16.0b", [C]);
              _ -> C
          end || <<C>> <= Text], $"].
