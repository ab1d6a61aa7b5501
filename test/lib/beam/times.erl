%% Dates, times and intervals of every dialect as PostgreSQL's text.
-module(times).
-export([date/1, time/1, timetz/2, timestamp/1, interval/1]).

-define(DAY, 86400000000).

date(Date) -> dated(ymd(Date), "").

time(Time) -> clock(usecs(Time)).

%% An offset is in seconds east of UTC; epgsql's is to the west.
timetz({_, _, _} = Time, West) -> [time(Time), offset(-West)];
timetz(Time, East) -> [time(Time), offset(East)].

timestamp(#{hour := _} = Map) -> dated(ymd(Map), [$\s, time(Map)]);
timestamp({Date, Time}) -> dated(ymd(Date), [$\s, time(Time)]);
timestamp(Usecs) ->
    Days = floor_div(Usecs, ?DAY),
    dated(civil(Days), [$\s, clock(Usecs - Days * ?DAY)]).

interval(#{months := Months, days := Days, secs := S, microsecs := Us}) ->
    interval(Months, Days, S * 1000000 + Us);
interval({{H, M, S}, Days, Months}) ->
    interval(Months, Days, (H * 60 + M) * 60000000 + round(S * 1000000));
interval({Months, Days, Usecs}) ->
    interval(Months, Days, Usecs).

interval(Months, Days, Usecs) ->
    Sign = case Usecs < 0 of true -> "-"; false -> "+" end,
    io_lib:format("~b mons ~b days ~s~s",
                  [Months, Days, Sign, clock(abs(Usecs))]).

usecs(#{hour := H, minute := M, second := S, microsecond := {Us, _}}) ->
    ((H * 60 + M) * 60 + S) * 1000000 + Us;
usecs({H, M, S}) ->
    (H * 60 + M) * 60000000 + round(S * 1000000);
usecs(Usecs) ->
    Usecs.

clock(Usecs) ->
    Seconds = Usecs div 1000000,
    io_lib:format("~s:~2..0b:~2..0b.~6..0b",
                  [digits(Seconds div 3600, 2), Seconds div 60 rem 60,
                   Seconds rem 60, Usecs rem 1000000]).

%% At least so many digits; io_lib's own padding would also cut.
digits(Number, Width) ->
    string:pad(integer_to_list(Number), Width, leading, $0).

offset(Seconds) ->
    Sign = case Seconds < 0 of true -> "-"; false -> "+" end,
    Abs = abs(Seconds),
    io_lib:format("~s~2..0b:~2..0b:~2..0b",
                  [Sign, Abs div 3600, Abs div 60 rem 60, Abs rem 60]).

ymd(#{year := Y, month := M, day := D}) -> {Y, M, D};
ymd({_, _, _} = Date) -> Date;
ymd(Days) -> civil(Days).

%% ISO's year 0 is 1 BC.
dated({Y, M, D}, Time) when Y > 0 ->
    io_lib:format("~s-~2..0b-~2..0b~s", [digits(Y, 4), M, D, Time]);
dated({Y, M, D}, Time) ->
    io_lib:format("~s-~2..0b-~2..0b~s BC", [digits(1 - Y, 4), M, D, Time]).

%% Days since 1970-01-01 to a date, also before year 0, where the calendar
%% module ends: eras of 400 years that begin in March.
civil(Days) ->
    Z = Days + 719468,
    Era = floor_div(Z, 146097),
    Doe = Z - Era * 146097,
    Yoe = (Doe - Doe div 1460 + Doe div 36524 - Doe div 146096) div 365,
    Doy = Doe - (365 * Yoe + Yoe div 4 - Yoe div 100),
    Mp = (5 * Doy + 2) div 153,
    D = Doy - (153 * Mp + 2) div 5 + 1,
    M = case Mp < 10 of true -> Mp + 3; false -> Mp - 9 end,
    Y = Yoe + Era * 400 + case M =< 2 of true -> 1; false -> 0 end,
    {Y, M, D}.

floor_div(A, B) when A >= 0 -> A div B;
floor_div(A, B) -> -((B - 1 - A) div B).
