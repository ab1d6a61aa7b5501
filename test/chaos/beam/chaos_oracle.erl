%% What was committed and in which order, by the server's own pgoutput: the
%% ledger row that ends each transaction of a writer.
-module(chaos_oracle).

-export([read/2]).

%% Transactions after a position, from a file of messages in hexadecimal:
%% {End, Commit, W, T, {Ins, Upd, Del, Trunc, Msg}}.
read(File, After) ->
    {ok, Text} = file:read_file(File),
    {_, Txs} = lists:foldl(fun(Line, Acc) -> message(bytes(Line), Acc) end, {none, []},
                           binary:split(Text, <<"\n">>, [global, trim_all])),
    [Tx || {End, _, _, _, _} = Tx <- lists:reverse(Txs), End > After].

bytes(Hex) ->
    Size = byte_size(Hex) * 4,
    <<(binary_to_integer(Hex, 16)):Size>>.

message(<<"B", _/binary>>, {_, Txs}) ->
    {none, Txs};
message(<<"U", _Rel:32, "N", Count:16, Columns/binary>>, {_, Txs}) ->
    {list_to_tuple(columns(Count, Columns)), Txs};
message(<<"C", _Flags, Commit:64, End:64, _Time:64>>, {{W, T, I, U, D, R, M}, Txs}) ->
    {none, [{End, Commit, W, T, {I, U, D, R, M}} | Txs]};
message(_, Acc) ->
    Acc.

columns(0, <<>>) -> [];
columns(N, <<"t", Size:32, Value:Size/binary, Rest/binary>>) ->
    [binary_to_integer(Value) | columns(N - 1, Rest)].
