%% Owns: the programs of the bench on Erlang/OTP: a line "PROGRAM N" in, one line of JSON out, until
%% stdin ends. Processes are spawned under nothing unless the program's name ends in -sup.
%% Sizes are those of bench/lib/sizes.ts.
-module(bench).
-behaviour(gen_server).
-export([main/0, init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(RING, 100).
-define(BIG, 120).
-define(FORK, 60).
-define(SENDERS, 50).
-define(CHAMENEOS, 100).
-define(WORKERS, 20).
-define(WRITE_EVERY, 10).
-define(KEYS, 512).
-define(TIMER_EVERY, 10).

main() ->
    io:format("{\"ready\":true}~n"),
    serve().

serve() ->
    case io:get_line("") of
        eof -> halt();
        Line ->
            [Program, N] = string:lexemes(string:trim(Line), " "),
            {Count, Seconds, Figures} = in_own_process(list_to_atom(Program), list_to_integer(N)),
            io:format("{\"n\":~w,\"seconds\":~.9f", [Count, Seconds]),
            [io:format(",\"~s\":~.3f", [Name, float(Value)]) || {Name, Value} <- Figures],
            io:format("}~n"),
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
    {N, (erlang:monotonic_time(nanosecond) - T0) / 1.0e9, []}.

%% With a scheduler of its own for each side, so that every message crosses threads.
on(Scheduler, Fun) -> spawn_opt(Fun, [{scheduler, Scheduler}]).

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

run(fjthrput, N) ->
    Me = self(),
    Forks = [spawn(fun() -> fork(0, Me) end) || _ <- lists:seq(1, ?FORK)],
    Rounds = (N + ?FORK - 1) div ?FORK,
    Result = timed(N, fun() ->
        repeat(Rounds - 1, fun() -> [Fork ! {work, false} || Fork <- Forks] end),
        [Fork ! {work, true} || Fork <- Forks],
        done(?FORK) end),
    stop(Forks), Result;

run(fjcreate, N) ->
    Me = self(),
    Work = fun() -> receive work -> Me ! done end end,
    timed(N, fun() -> repeat(N, fun() -> spawn(Work) ! work end), done(N) end);

run('fjcreate-sup', N) ->
    {ok, Sup} = supervisor:start_link(?MODULE, {forks, self()}),
    Result = timed(N, fun() ->
        repeat(N, fun() -> {ok, Fork} = supervisor:start_child(Sup, []), gen_server:cast(Fork, work) end),
        done(N) end),
    unlink(Sup), exit(Sup, shutdown), Result;

run(chameneos, N) ->
    Me = self(),
    Mall = spawn(fun() -> mall(N, none) end),
    All = [spawn(fun() -> chameneo(Mall, Index rem 3, Me) end) || Index <- lists:seq(1, ?CHAMENEOS)],
    Result = timed(N, fun() -> [Each ! go || Each <- All], done(?CHAMENEOS) end),
    stop([Mall | All]), Result;

run(concdict, N) ->
    Me = self(),
    Dictionary = spawn(fun() -> dictionary(#{}) end),
    Each = (N + ?WORKERS - 1) div ?WORKERS,
    All = [spawn(fun() -> receive go -> worker(Dictionary, Index, Each, Me) end end)
           || Index <- lists:seq(1, ?WORKERS)],
    Result = timed(N, fun() -> [Worker ! go || Worker <- All], done(?WORKERS) end),
    stop([Dictionary | All]), Result;

run(fib, N) ->
    Me = self(),
    K = fib_of(1, N),
    timed(fib_calls(K), fun() -> spawn(fun() -> fib(K, Me) end), receive {result, _} -> ok end end);

run(bang, N) ->
    Me = self(),
    Each = (N + ?SENDERS - 1) div ?SENDERS,
    Receiver = spawn(fun() -> hits(Each * ?SENDERS, Me) end),
    Senders = [spawn(fun() -> receive go -> repeat(Each, fun() -> Receiver ! {hit, From} end) end end)
               || From <- lists:seq(1, ?SENDERS)],
    timed(N, fun() -> [Sender ! go || Sender <- Senders], done(1) end);

run(ask, N) ->
    {ok, Server} = gen_server:start(?MODULE, [], []),
    Result = timed(N, fun() -> calls(Server, 0, N) end),
    stop([Server]), Result;

run(pingpong2, N) ->
    Me = self(),
    Ping = on(1, fun() -> receive {other, Pong} -> player(Pong, Me) end end),
    Pong = on(2, fun() -> player(Ping, Me) end),
    Ping ! {other, Pong},
    Result = timed(N, fun() -> Ping ! {ball, N - 1}, done(1) end),
    stop([Ping, Pong]), Result;

run(bang2, N) -> one_way(N, fun(Left) -> {hit, Left} end);

run('bang2-100', N) ->
    From = <<"desk-7/trader-3">>,
    one_way(N, fun(Left) ->
        {hit, Left, From, order, 101.25 + (Left rem 64), 500, 1700000000 + Left} end);

run(ask2, N) ->
    Me = self(),
    {ok, Server} = gen_server:start(?MODULE, [], [{spawn_opt, [{scheduler, 2}]}]),
    on(1, fun() -> Me ! timed_calls(Server, N, N, []) end),
    Samples = receive List -> lists:sort(List) end,
    stop([Server]),
    Us = fun(Q) -> lists:nth(max(1, ceil(Q * N)), Samples) / 1000 end,
    {N, lists:sum(Samples) / 1.0e9, [{p50Us, Us(0.5)}, {p99Us, Us(0.99)}]};

%% The least there is: whoever is linked starts it again.
run(restart, N) -> restarts(N, fun(Left) -> erlang:error({crash, Left}) end);
run('restart-exit', N) -> restarts(N, fun(Left) -> exit({crash, Left}) end);

%% The supervisor looks at each restart of the period with each restart: its cost grows with N.
run('restart-sup', N) -> supervised_restarts(N, crash);
run('restart-exit-sup', N) -> supervised_restarts(N, leave);

run(memory, N) ->
    T0 = erlang:monotonic_time(nanosecond),
    Before = erlang:memory(processes),
    Pids = idlers(N, 1000, []),
    Seconds = (erlang:monotonic_time(nanosecond) - T0) / 1.0e9,
    Never = erlang:memory(processes),
    [Pid ! touch || Pid <- Pids],
    %% The last answers to nothing: look until its mailbox is empty, and so are the others.
    settled(hd(Pids)),
    Once = erlang:memory(processes),
    stop(Pids),
    {N, Seconds, [{bytesNever, (Never - Before) / N}, {bytesOnce, (Once - Before) / N}]};

run(memory1m, N) -> run(memory, N);

run(idle, N) ->
    Pids = idlers(N, 0, []),
    Timed = lists:sublist(Pids, N div ?TIMER_EVERY),
    [erlang:send_after(3600000, Pid, late) || Pid <- Timed],
    Ms = if N < 10000 -> 200; true -> 3000 end,
    timer:sleep(Ms),
    {Before, _} = erlang:statistics(runtime),
    timer:sleep(Ms),
    {After, _} = erlang:statistics(runtime),
    stop(Pids),
    {N, Ms / 1000, [{cpuPercent, 100 * (After - Before) / Ms}]}.

idle(0) -> receive late -> ok end;
idle(Touched) -> receive touch -> idle(Touched - 1) end.

idlers(0, _, Pids) -> Pids;
idlers(Left, Touches, Pids) -> idlers(Left - 1, Touches, [spawn(fun() -> idle(Touches) end) | Pids]).

restarts(N, Crash) ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    timed(N, fun() -> respawns(N, Crash) end).

respawns(0, _) -> ok;
respawns(Left, Crash) ->
    Me = self(),
    Pid = spawn_link(fun() -> Me ! running, receive crash -> Crash(Left) end end),
    receive running -> Pid ! crash end,
    receive {'EXIT', Pid, _} -> respawns(Left - 1, Crash) end.

supervised_restarts(N, How) ->
    logger:set_primary_config(level, none),
    Me = self(),
    {ok, Sup} = supervisor:start_link(?MODULE, {crasher, Me}),
    receive running -> ok end,
    Result = timed(N, fun() -> crashes(Me, N, How) end),
    unlink(Sup), exit(Sup, kill), Result.

crashes(_, 0, _) -> ok;
crashes(Me, Left, How) ->
    crasher ! {How, Left},
    receive running -> crashes(Me, Left - 1, How) end.

one_way(N, Make) ->
    Me = self(),
    Receiver = on(2, fun() -> last_hit(Me) end),
    Sender = on(1, fun() -> receive go -> bursts(Receiver, N, Make) end end),
    Result = timed(N, fun() -> Sender ! go, done(1) end),
    stop([Sender, Receiver]), Result.

bursts(_, 0, _) -> ok;
bursts(Receiver, Left, Make) -> Receiver ! Make(Left - 1), bursts(Receiver, Left - 1, Make).

last_hit(Driver) ->
    receive
        Hit when element(2, Hit) =:= 0 -> Driver ! done;
        _ -> last_hit(Driver)
    end.

timed_calls(_, _, 0, Samples) -> Samples;
timed_calls(Server, At, Left, Samples) ->
    T0 = erlang:monotonic_time(nanosecond),
    Next = gen_server:call(Server, {next, At}, infinity),
    T1 = erlang:monotonic_time(nanosecond),
    timed_calls(Server, Next, Left - 1, [T1 - T0 | Samples]).

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

%% A xorshift of 32 bits, of which 31 are kept, as in bench/lib/random.ts.
settled(Pid) ->
    case erlang:process_info(Pid, message_queue_len) of
        {_, 0} -> timer:sleep(100);
        _ -> timer:sleep(10), settled(Pid)
    end.

random(Seed) ->
    A = (Seed bxor (Seed bsl 13)) band 16#ffffffff,
    B = A bxor (A bsr 17),
    (B bxor (B bsl 5)) band 16#7fffffff.

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

fork(Handled, Driver) ->
    receive
        {work, true} -> Driver ! done, fork(0, Driver);
        {work, false} -> fork(Handled + 1, Driver)
    end.

mall(0, none) ->
    receive {meet, From, _} -> From ! stop, mall(0, none) end;
mall(Left, none) ->
    receive {meet, From, _} -> mall(Left, From) end;
mall(Left, Waiting) ->
    receive {meet, _, _} = Meet -> Waiting ! Meet, mall(Left - 1, none) end.

chameneo(Mall, Mine, Driver) ->
    receive
        go -> meet(Mall, Mine, Driver);
        {change, Colour} -> meet(Mall, Colour, Driver);
        stop -> Driver ! done;
        {meet, From, Other} ->
            Colour = complement(Mine, Other),
            From ! {change, Colour},
            meet(Mall, Colour, Driver)
    end.

meet(Mall, Colour, Driver) -> Mall ! {meet, self(), Colour}, chameneo(Mall, Colour, Driver).

complement(Mine, Mine) -> Mine;
complement(Mine, Other) -> 3 - Mine - Other.

dictionary(Values) ->
    receive
        {read, From, Key} -> From ! {result, maps:get(Key, Values, 0)}, dictionary(Values);
        {write, From, Key, Value} -> From ! {result, Value}, dictionary(Values#{Key => Value})
    end.

worker(_, _, 0, Driver) -> Driver ! done;
worker(Dictionary, Seed, Left, Driver) ->
    Next = random(Seed),
    Key = Next rem ?KEYS,
    case Next rem ?WRITE_EVERY of
        0 -> Dictionary ! {write, self(), Key, Left - 1};
        _ -> Dictionary ! {read, self(), Key}
    end,
    receive {result, _} -> worker(Dictionary, Next, Left - 1, Driver) end.

fib(K, Parent) when K < 2 -> Parent ! {result, K};
fib(K, Parent) ->
    Me = self(),
    spawn(fun() -> fib(K - 1, Me) end),
    spawn(fun() -> fib(K - 2, Me) end),
    receive {result, One} -> receive {result, Two} -> Parent ! {result, One + Two} end end.

fib_calls(K) when K < 2 -> 1;
fib_calls(K) -> 1 + fib_calls(K - 1) + fib_calls(K - 2).

fib_of(K, N) -> case fib_calls(K) >= N of true -> K; false -> fib_of(K + 1, N) end.

hits(0, Driver) -> Driver ! done;
hits(Left, Driver) -> receive {hit, _} -> hits(Left - 1, Driver) end.

calls(_, N, N) -> ok;
calls(Server, At, N) -> calls(Server, gen_server:call(Server, {next, At}, infinity), N).

%% A simple_one_for_one supervisor of gen_servers: what a supervised child is in Erlang/OTP.
init({forks, Driver}) ->
    Child = #{id => fork, start => {gen_server, start_link, [?MODULE, {fork, Driver}, []]}, restart => temporary},
    {ok, {#{strategy => simple_one_for_one}, [Child]}};
init({crasher, Driver}) ->
    Child = #{id => crasher, start => {gen_server, start_link, [{local, crasher}, ?MODULE, {crashing, Driver}, []]}},
    {ok, {#{strategy => one_for_one, intensity => 1000000, period => 1}, [Child]}};
init({crashing, Driver} = State) -> Driver ! running, {ok, State};
init(Args) -> {ok, Args}.

handle_call({next, After}, _, State) -> {reply, After + 1, State}.

handle_cast(work, {fork, Driver} = State) -> Driver ! done, {stop, normal, State}.

handle_info({crash, Left}, _) -> erlang:error({crash, Left});
handle_info({leave, Left}, _) -> exit({crash, Left}).
