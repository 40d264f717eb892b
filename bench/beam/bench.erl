%% Owns: the programs of the bench on Erlang/OTP: a line "PROGRAM N" in, one line of JSON out, until
%% stdin ends. Processes are spawned under nothing unless the program's name ends in -sup.
%% Sizes are those of bench/lib/sizes.ts.
-module(bench).
-behaviour(gen_server).
-export([main/0, init/1, handle_call/3, handle_cast/2]).

-define(RING, 100).
-define(BIG, 120).

main() ->
    io:format("{\"ready\":true}~n"),
    serve().

serve() ->
    case io:get_line("") of
        eof -> halt();
        Line ->
            [Program, N] = string:lexemes(string:trim(Line), " "),
            {Count, Seconds} = in_own_process(list_to_atom(Program), list_to_integer(N)),
            io:format("{\"n\":~w,\"seconds\":~.9f}~n", [Count, Seconds]),
            serve()
    end.

%% Each run has a heap of its own; a crash in it ends the node, loudly.
in_own_process(Program, N) ->
    Me = self(),
    {_, Monitor} = spawn_monitor(fun() -> Me ! {result, run(Program, N)} end),
    receive
        {result, Result} -> erlang:demonitor(Monitor, [flush]), Result;
        {'DOWN', Monitor, _, _, Reason} -> erlang:error(Reason)
    end.

timed(N, Begin) ->
    T0 = erlang:monotonic_time(nanosecond),
    Begin(),
    {N, (erlang:monotonic_time(nanosecond) - T0) / 1.0e9}.

done(0) -> ok;
done(Left) -> receive done -> done(Left - 1) end.

stop(Pids) -> [exit(Pid, kill) || Pid <- Pids].

run(pingpong, N) ->
    Me = self(),
    Ping = spawn_link(fun() -> receive {other, Pong} -> player(Pong, Me) end end),
    Pong = spawn_link(fun() -> player(Ping, Me) end),
    Ping ! {other, Pong},
    Result = timed(N, fun() -> Ping ! {ball, N - 1}, done(1) end),
    unlink(Ping), unlink(Pong), stop([Ping, Pong]), Result;

run(threadring, N) ->
    Me = self(),
    First = spawn(fun() -> receive {next, Next} -> node_loop(Next, Me) end end),
    Chain = lists:foldl(fun(_, [Next | _] = All) -> [spawn(fun() -> node_loop(Next, Me) end) | All] end,
                        [First], lists:seq(2, ?RING)),
    First ! {next, hd(Chain)},
    Result = timed(N, fun() -> First ! {token, N - 1}, done(1) end),
    stop(Chain), Result;

run(count, N) ->
    Me = self(),
    Counter = spawn(fun() -> counter(0, Me) end),
    Result = timed(N, fun() -> repeat(N, fun() -> Counter ! {add, 1} end), Counter ! {report, N}, done(1) end),
    stop([Counter]), Result;

run(big, N) ->
    Me = self(),
    Pids = [spawn(fun() -> receive {peers, Peers} -> peer(Peers, Index, Index, 0, Me) end end)
            || Index <- lists:seq(1, ?BIG)],
    Peers = list_to_tuple(Pids),
    [Pid ! {peers, Peers} || Pid <- Pids],
    Pings = (N div 2 + ?BIG - 1) div ?BIG,
    Result = timed(N, fun() -> [Pid ! {go, Pings} || Pid <- Pids], done(?BIG) end),
    stop(Pids), Result;

run(ask, N) ->
    {ok, Server} = gen_server:start(?MODULE, [], []),
    Result = timed(N, fun() -> calls(Server, 0, N) end),
    stop([Server]), Result.

repeat(0, _) -> ok;
repeat(N, Fun) -> Fun(), repeat(N - 1, Fun).

player(Other, Driver) ->
    receive
        {ball, 0} -> Driver ! done, player(Other, Driver);
        {ball, Left} -> Other ! {ball, Left - 1}, player(Other, Driver)
    end.

node_loop(Next, Driver) ->
    receive
        {token, 0} -> Driver ! done, node_loop(Next, Driver);
        {token, Left} -> Next ! {token, Left - 1}, node_loop(Next, Driver)
    end.

counter(Sum, Driver) ->
    receive
        {add, By} -> counter(Sum + By, Driver);
        {report, Sum} -> Driver ! done, counter(0, Driver)
    end.

random(Seed) -> (Seed * 48271) rem 2147483647.

peer(Peers, Index, Seed, Left, Driver) ->
    receive
        {go, Pings} -> ping(Peers, Index, Seed, Pings, Driver);
        {ping, From} -> element(From, Peers) ! pong, peer(Peers, Index, Seed, Left, Driver);
        pong when Left > 1 -> ping(Peers, Index, Seed, Left - 1, Driver);
        pong -> Driver ! done, peer(Peers, Index, Seed, 0, Driver)
    end.

ping(Peers, Index, Seed, Left, Driver) ->
    Next = random(Seed),
    element(Next rem ?BIG + 1, Peers) ! {ping, Index},
    peer(Peers, Index, Next, Left, Driver).

calls(_, N, N) -> ok;
calls(Server, At, N) -> calls(Server, gen_server:call(Server, {next, At}, infinity), N).

init(Args) -> {ok, Args}.
handle_call({next, After}, _, State) -> {reply, After + 1, State}.
handle_cast(_, State) -> {noreply, State}.
