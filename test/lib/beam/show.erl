%% Frames as lines that a test can compare: numbers that differ from run to
%% run (xid, LSN, OID, time) are left out, tables have their names, and maps
%% are in the order of their keys on every OTP.
-module(show).
-export([lines/1, term/1]).

lines(Frames) ->
    {Lines, _} = lists:mapfoldl(fun frame/2, #{}, Frames),
    lists:append(Lines).

frame({message, _Lsn, Prefix, Content}, Rels) ->
    {[["now ", term(Prefix), " ", term(Content)]], Rels};
frame({stream, Part, {Xid, Sub, _}, First, Count, Meta, Events}, Rels) ->
    {Lines, Rels1} = lists:mapfoldl(fun event/2, Rels, Events),
    {[Top, Label], Rels2} = lists:mapfoldl(fun number/2, Rels1, [Xid, Sub]),
    Line = io_lib:format("stream ~s ~s ~s ~b ~b ",
                         [Part, Top, Label, First, Count]),
    {[[Line, meta(Meta)] | Lines], Rels2};
frame({stream_abort, {Xid, Sub, Lsn, _}}, Rels) ->
    {[Top, Label], Rels1} = lists:mapfoldl(fun number/2, Rels, [Xid, Sub]),
    {[["stream_abort ", Top, $\s, Label, [" by a crash" || Lsn =:= 0]]], Rels1};
frame({Kind, {Xid, _, _, _}, Meta}, Rels)
  when Kind =:= stream_commit; Kind =:= stream_prepare ->
    {Top, Rels1} = number(Xid, Rels),
    {[[atom_to_list(Kind), $\s, Top, $\s, meta(Meta)]], Rels1};
frame({Kind, _Head, Meta}, Rels) ->
    {[[atom_to_list(Kind), $\s, meta(Meta)]], Rels};
frame({Kind, Part, _Head, First, Count, Meta, Events}, Rels) ->
    {Lines, Rels1} = lists:mapfoldl(fun event/2, Rels, Events),
    Line = io_lib:format("~s ~s ~b ~b ", [Kind, Part, First, Count]),
    {[[Line, meta(Meta)] | Lines], Rels1}.

meta(Meta) ->
    term(maps:without([origin_lsn, prepare_end_lsn, prepare_time], Meta)).

%% Transactions in the order in which they are named: x1, x2, ...
number(Xid, Rels) ->
    Count = length([X || {xid, X} <- maps:keys(Rels)]),
    case Rels of
        #{{xid, Xid} := Name} -> {Name, Rels};
        _ -> Name = [$x | integer_to_list(Count + 1)],
             {Name, Rels#{{xid, Xid} => Name}}
    end.

event({relation, Rel, Schema, Table, Identity, Columns}, Rels) ->
    Line = ["relation ", Schema, $., Table, $\s, atom_to_list(Identity),
            [[", ", column(C)] || C <- Columns]],
    {Line, Rels#{Rel => Table}};
event({insert, Rel, New}, Rels) ->
    {["insert ", name(Rel, Rels), $\s, term(New)], Rels};
event({update, Rel, Old, New}, Rels) ->
    {["update ", name(Rel, Rels), $\s, term(Old), $\s, term(New)], Rels};
event({delete, Rel, Old}, Rels) ->
    {["delete ", name(Rel, Rels), $\s, term(Old)], Rels};
event({schema, _Rel, Before, After}, Rels) ->
    {["schema ", state(Before), " -> ", state(After)], Rels};
event({ddl, #{tag := Tag, text := Text, objects := Objects, user := User}}, Rels) ->
    {["ddl ", term(Tag), $\s, term(User), [[$\s, term(Type), $\s, term(Name)]
                                          || {Type, Name, _Oid} <- Objects],
      ": ", term(Text)], Rels};
event({truncate, List, Flags}, Rels) ->
    Names = lists:sort([name(Rel, Rels) || Rel <- List]),
    {["truncate ", lists:join($,, Names), $\s, term(Flags)], Rels};
event({message, Prefix, Content}, Rels) ->
    {["message ", term(Prefix), $\s, term(Content)], Rels}.

state(none) ->
    "none";
state({Schema, Name, Identity, _Filenode, Columns}) ->
    [Schema, $., label(Name), $\s, atom_to_list(Identity), " (",
     lists:join(", ", [[integer_to_list(N), $\s, column({C, Oid, Type, Mod, Flags})]
                       || {N, C, Oid, Type, Mod, Flags} <- Columns]), ")"].

column({Name, Oid, Type, Typmod, Flags}) ->
    Mod = case Typmod of
              -1 -> "";
              _ -> ["(", integer_to_list(Typmod), ")"]
          end,
    [label(Name), $\s, Type, Mod, [[$\s, flag(F, Oid)] || F <- Flags]].

label({unconverted, _} = Name) -> term(Name);
label(Name) -> Name.

flag({as, Shape}, _) -> ["as ", shape(Shape)];
flag({missing, Value}, _) -> ["missing ", term(Value)];
flag({masked, Mask}, _) -> ["masked ", atom_to_list(Mask)];
flag(Flag, _) -> atom_to_list(Flag).

%% OIDs of types that a test made differ from run to run.
shape(Oid) when is_integer(Oid), Oid >= 16384 -> "user";
shape(Oid) when is_integer(Oid) -> integer_to_list(Oid);
shape({composite, Fields}) ->
    [${, lists:join($,, [[label(N), $:, shape(S)] || {N, S, _} <- Fields]), $}];
shape({Kind, Shape}) -> [atom_to_list(Kind), $(, shape(Shape), $)].

name(Rel, Rels) -> maps:get(Rel, Rels, <<"?">>).

term(Map) when is_map(Map) ->
    Pairs = lists:sort(maps:to_list(Map)),
    ["#{", lists:join(", ", [[term(K), "=>", term(V)] || {K, V} <- Pairs]),
     "}"];
term(List) when is_list(List) ->
    [$[, lists:join(", ", [term(T) || T <- List]), $]];
term(Tuple) when is_tuple(Tuple) ->
    [${, lists:join(", ", [term(T) || T <- tuple_to_list(Tuple)]), $}];
term(Binary) when is_binary(Binary), byte_size(Binary) > 1000000 ->
    io_lib:format("<<~b bytes>>", [byte_size(Binary)]);
term(Binary) when is_binary(Binary) ->
    case printable(Binary) of
        true -> [$", Binary, $"];
        false -> io_lib:format("~w", [Binary])
    end;
term(Other) ->
    io_lib:format("~w", [Other]).

printable(Binary) ->
    case unicode:characters_to_list(Binary) of
        List when is_list(List) ->
            lists:all(fun(C) -> C >= 32 andalso C =/= 127 end, List);
        _ ->
            false
    end.
