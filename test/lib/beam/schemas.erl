%% Schema events, applied to nothing: the tables that there are in the end.
-module(schemas).
-export([lines/1]).

%% A line for each table, "OID Name Identity", and one for each column,
%% "OID Attnum Name TypeOid Typmod Flag...".
lines(Frames) ->
    Tables = lists:foldl(fun frame/2, #{}, Frames),
    [line(Oid, State) || {Oid, State} <- lists:sort(maps:to_list(Tables)),
                         State =/= none].

frame({tx, _, _, _, _, _, Events}, Tables) ->
    lists:foldl(fun event/2, Tables, Events);
frame(_, Tables) ->
    Tables.

event({schema, Oid, Before, After}, Tables) ->
    case lasting(maps:get(Oid, Tables, none)) =:= lasting(Before) of
        true -> Tables#{Oid => After};
        false -> error({broken, "a table is as it was told to be",
                        {maps:get(Oid, Tables, none), Before}})
    end;
event(_, Tables) ->
    Tables.

%% Neither VACUUM FULL, which rewrites a table, nor a new name of its schema or
%% of a type makes an event.
lasting(none) ->
    none;
lasting({_Schema, Name, Identity, _Filenode, Columns}) ->
    {Name, Identity, [{N, C, Oid, Mod, flags(Flags)}
                      || {N, C, Oid, _Type, Mod, Flags} <- Columns]}.

flags(Flags) ->
    [F || F <- [not_null, identity, default, primary, generated],
          lists:member(F, Flags)].

line(Oid, State) ->
    {Name, Identity, Columns} = lasting(State),
    [io_lib:format("~b ~ts ~s~n", [Oid, text(Name), Identity]),
     [io_lib:format("~b ~b ~ts ~b ~b~s~n",
                    [Oid, N, text(C), Type, Mod, [[$\s, atom_to_list(F)] || F <- Flags]])
      || {N, C, Type, Mod, Flags} <- Columns]].

text({unconverted, Bytes}) -> Bytes;
text(Name) -> Name.
