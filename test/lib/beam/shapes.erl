%% Addresses and geometric values of every dialect as PostgreSQL's text.
-module(shapes).
-export([inet/1, mac/1, shape/2]).

inet(#{address := Address, netmask := nil}) -> address(Address);
inet(#{address := Address, netmask := Mask}) -> masked(Address, Mask);
inet({Bytes, nil}) when is_binary(Bytes) -> address(groups(Bytes));
inet({Bytes, Mask}) when is_binary(Bytes) -> masked(groups(Bytes), Mask);
inet({Address, Mask}) -> masked(Address, Mask);
inet(Address) -> address(Address).

groups(<<A, B, C, D>>) -> {A, B, C, D};
groups(Bytes) -> list_to_tuple([G || <<G:16>> <= Bytes]).

masked(Address, Mask) -> [address(Address), $/, integer_to_list(Mask)].

address(Address) -> inet:ntoa(Address).

mac(#{address := Address}) -> mac(Address);
mac(Bytes) when is_binary(Bytes) -> mac(list_to_tuple(binary_to_list(Bytes)));
mac(Tuple) ->
    lists:join($:, [io_lib:format("~2.16.0b", [B])
                    || B <- tuple_to_list(Tuple)]).

shape(Point, 600) -> point(Point);
shape(#{point1 := P1, point2 := P2}, 601) -> [$[, point(P1), $,, point(P2), $]];
shape({P1, P2}, 601) -> [$[, point(P1), $,, point(P2), $]];
shape(#{open := Open, points := Points}, 602) -> path(Open, Points);
shape({open, Points}, 602) -> path(true, Points);
shape({closed, Points}, 602) -> path(false, Points);
shape(#{upper_right := P1, bottom_left := P2}, 603) -> pair(P1, P2);
shape({P1, P2}, 603) -> pair(P1, P2);
shape(#{vertices := Points}, 604) -> path(false, Points);
shape(Points, 604) -> path(false, Points);
shape(#{a := A, b := B, c := C}, 628) -> numbers(${, [A, B, C], $});
shape({A, B, C}, 628) -> numbers(${, [A, B, C], $});
shape(#{center := P, radius := R}, 718) -> [$<, point(P), $,, number(R), $>];
shape({P, R}, 718) -> [$<, point(P), $,, number(R), $>].

pair(P1, P2) -> [point(P1), $,, point(P2)].

path(Open, Points) ->
    {Left, Right} = case Open of true -> {$[, $]}; false -> {$(, $)} end,
    [Left, lists:join($,, [point(P) || P <- Points]), Right].

point(#{x := X, y := Y}) -> numbers($(, [X, Y], $));
point({X, Y}) -> numbers($(, [X, Y], $)).

numbers(Left, Numbers, Right) ->
    [Left, lists:join($,, [number(N) || N <- Numbers]), Right].

number(Number) -> values:text(Number, 701).
