%% The server's text of arrays, composites, ranges and multiranges, taken
%% apart one level: what is inside stays text.
-module(nested).
-export([array/2, composite/2, range/1, multirange/1]).

%% Lists of {text, Text} | null, as deep as the array.  Other lower bounds
%% than 1 stand before it: [0:1]={a,b}.
array(<<$[, _/binary>> = Text, Delimiter) ->
    [_, Array] = binary:split(Text, <<$=>>),
    array(Array, Delimiter);
array(<<${, Rest/binary>>, Delimiter) ->
    {List, <<>>} = elements(Rest, Delimiter, []),
    List;
%% int2vector and oidvector
array(Text, _) ->
    [{text, Number} || Number <- binary:split(Text, <<$\s>>, [global]),
                       Number =/= <<>>].

elements(<<$}, Rest/binary>>, _, Done) ->
    {lists:reverse(Done), Rest};
elements(<<D, Rest/binary>>, D, Done) ->
    elements(Rest, D, Done);
elements(<<${, Rest/binary>>, D, Done) ->
    {List, Rest1} = elements(Rest, D, []),
    elements(Rest1, D, [List | Done]);
elements(Text, D, Done) ->
    {Element, Rest} = item(Text, [D, $}]),
    elements(Rest, D, [case Element of
                           {bare, <<"NULL">>} -> null;
                           {_, Bytes} -> {text, Bytes}
                       end | Done]).

%% [{text, Text} | null]; of no field and of one NULL the text is the same.
composite(<<"()">>, 0) -> [];
composite(<<$(, Rest/binary>>, _) -> fields(Rest, []).

fields(Text, Done) ->
    {Field, <<End, Rest/binary>>} = item(Text, [$,, $)]),
    Done1 = [absent(Field) | Done],
    case End of
        $, -> fields(Rest, Done1);
        $) when Rest =:= <<>> -> lists:reverse(Done1)
    end.

absent({bare, <<>>}) -> null;
absent({_, Bytes}) -> {text, Bytes}.

%% empty | {Lower, Upper, LowerInclusive, UpperInclusive}
range(<<"empty">>) ->
    empty;
range(Text) ->
    {Range, <<>>} = a_range(Text),
    Range.

a_range(<<Left, Rest/binary>>) ->
    {Lower, <<$,, Rest1/binary>>} = item(Rest, [$,]),
    {Upper, <<Right, Rest2/binary>>} = item(Rest1, [$], $)]),
    {{absent(Lower), absent(Upper), Left =:= $[, Right =:= $]}, Rest2}.

multirange(<<"{}">>) -> [];
multirange(<<${, Rest/binary>>) -> ranges(Rest, []).

ranges(Text, Done) ->
    case a_range(Text) of
        {Range, <<$,, Rest/binary>>} -> ranges(Rest, [Range | Done]);
        {Range, <<$}>>} -> lists:reverse(Done, [Range])
    end.

%% One item up to one of the ends: with quotes, in which a backslash or the
%% quote itself escapes, or without any.
item(<<$", Rest/binary>>, _) ->
    {Bytes, Rest1} = quoted(Rest, <<>>),
    {{quoted, Bytes}, Rest1};
item(Text, Ends) ->
    bare(Text, Ends, <<>>).

quoted(<<$\\, C, Rest/binary>>, Done) -> quoted(Rest, <<Done/binary, C>>);
quoted(<<$", $", Rest/binary>>, Done) -> quoted(Rest, <<Done/binary, $">>);
quoted(<<$", Rest/binary>>, Done) -> {Done, Rest};
quoted(<<C, Rest/binary>>, Done) -> quoted(Rest, <<Done/binary, C>>).

bare(<<C, Rest/binary>> = Text, Ends, Done) ->
    case lists:member(C, Ends) of
        true -> {{bare, Done}, Text};
        false -> bare(Rest, Ends, <<Done/binary, C>>)
    end.
