%% One scalar in any form as the text that the server reads: what the forms
%% add to values.erl, which knows the plain ones.
-module(scalars).
-export([text/3]).

%% {Kind, Text}
text(Term, Oid, #{json := text}) when Oid =:= 114; Oid =:= 3802 ->
    {"25", binary(Term)};
text({unparsed, Text}, Oid, _) when Oid =:= 114 ->
    {"25", Text};
text(Term, Oid, Form) when Oid =:= 114; Oid =:= 3802 ->
    Letter = case Form of
                 #{json_numbers := decimal} -> "";
                 _ -> "f"
             end,
    {integer_to_list(Oid) ++ Letter, values:text(json(Term, Form), Oid)};
text(Float, 1700, _) when is_float(Float) ->
    {"1700f", values:text(Float, 701)};
text(Atom, 1700, _) when is_atom(Atom) ->
    {"1700", values:text(Atom, 701)};
text({{_, _, _}, _} = Time, 1266, #{dialect := erlang}) ->
    {"1266", values:text(Time, 1266)};
text({Time, West}, 1266, #{dialect := erlang}) ->
    {"1266", values:text({usecs(Time), -West}, 1266)};
text({Time, East}, 1266, _) ->
    {"1266", values:text({usecs(Time), East}, 1266)};
text(Time, 1266, #{timetz := utc}) ->
    {"1266u", values:text(iso(Time, 1083), 1083)};
text(#{month := Months, day := Days, second := Seconds,
       microsecond := {Us, _}, year := 0, week := 0, hour := 0, minute := 0},
     1186, _) ->
    {"1186", times:interval({Months, Days, Seconds * 1000000 + Us})};
text(Iso, Oid, _) when is_binary(Iso), Oid =:= 1082 orelse Oid =:= 1083
                       orelse Oid =:= 1114 orelse Oid =:= 1184 ->
    {integer_to_list(Oid), values:text(iso(Iso, Oid), Oid)};
text(Map, Oid, #{null := Null}) when is_map(Map),
                                     not is_map_key('__struct__', Map) ->
    {integer_to_list(Oid),
     values:text(maps:map(fun(_, V) when V =:= Null -> nil;
                             (_, V) -> V
                          end, Map), Oid)};
text(Term, Oid, _) ->
    {integer_to_list(Oid), values:text(Term, Oid)}.

%% times.erl takes an offset beside anything but a tuple for one to the east.
usecs(Iso) when is_binary(Iso) ->
    {H, M, S} = iso_time(Iso),
    (H * 60 + M) * 60000000 + round(S * 1000000);
usecs(Time) ->
    Time.

binary(Text) when is_binary(Text) -> Text.

%% The null atom of the form as values.erl has it; numbers stay as they are.
json(Null, #{null := Null}) -> nil;
json(#{coef := _} = Decimal, _) -> Decimal;
json(Map, Form) when is_map(Map) ->
    maps:map(fun(_, V) -> json(V, Form) end, Map);
json(List, Form) when is_list(List) -> [json(V, Form) || V <- List];
json(Term, _) -> Term.

%% ISO 8601 to the tuples of dialect erlang.
iso(Text, Oid) when is_binary(Text), Oid =:= 1082 ->
    iso_date(Text);
iso(Text, Oid) when is_binary(Text), Oid =:= 1083 ->
    iso_time(Text);
iso(Text, 1184) when is_binary(Text) ->
    Size = byte_size(Text) - 1,
    <<Local:Size/binary, $Z>> = Text,
    iso(Local, 1114);
iso(Text, 1114) when is_binary(Text) ->
    [Date, Time] = binary:split(Text, <<$T>>),
    {iso_date(Date), iso_time(Time)};
iso(Term, _) ->
    Term.

iso_date(<<$-, Rest/binary>>) ->
    {Y, M, D} = iso_date(Rest),
    {-Y, M, D};
iso_date(Text) ->
    [Y, M, D] = binary:split(Text, <<$->>, [global]),
    true = byte_size(Y) >= 4,
    {binary_to_integer(Y), binary_to_integer(M), binary_to_integer(D)}.

iso_time(<<H:2/binary, $:, M:2/binary, $:, Seconds/binary>>) ->
    {binary_to_integer(H), binary_to_integer(M),
     case Seconds of
         <<S:2/binary>> -> float(binary_to_integer(S));
         _ -> binary_to_float(Seconds)
     end}.
