%% History files: {Microseconds, Event} after {Microseconds, Event}, each with
%% its length before it.  What a killed writer left half written at the end is
%% not read.
-module(chaos_log).

-export([open/1, write/2, read/2]).

-define(CHUNK, 4194304).

open(Path) ->
    file:open(Path, [append, raw, binary]).

encode(Event) ->
    Binary = term_to_binary({os:system_time(microsecond), Event}),
    [<<(byte_size(Binary)):32>>, Binary].

%% Several events in one write.
write(File, Events) ->
    file:write(File, [encode(Event) || Event <- Events]).

%% What is there from an offset on, a bounded piece of it, and where it ended.
-spec read(file:name_all(), integer()) -> {[{integer(), term()}], integer()}.
read(Path, Offset) ->
    {ok, File} = file:open(Path, [read, raw, binary]),
    Read = file:pread(File, Offset, ?CHUNK),
    ok = file:close(File),
    case Read of
        {ok, Binary} -> split(Binary, Offset, []);
        eof -> {[], Offset}
    end.

split(<<Size:32, Binary:Size/binary, Rest/binary>>, Offset, Terms) ->
    split(Rest, Offset + 4 + Size, [binary_to_term(Binary) | Terms]);
split(_, Offset, Terms) ->
    {lists:reverse(Terms), Offset}.
