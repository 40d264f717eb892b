# Owns: Python that waits warm in a guest. Descriptor 3 brings what is added to the environment and a
# command line of `python3`: `W` to rehearse it, `R` to run it; what it does not know how to do in this
# process it leaves to a fresh one.
import atexit, base64, collections, datetime, functools, hashlib, io, itertools, json, math, os, random, re, sys
import signal, threading, traceback, types

CONTROL = 3
END = 4


def read(length):
    parts = b""
    while len(parts) < length:
        got = os.read(CONTROL, length - len(parts))
        if not got:
            os._exit(125)
        parts += got
    return parts


def warm_up():
    source = "import json, re\nfor i in range(200):\n    s = json.dumps({'a': [i, str(i)]})\nprint(len(s), re.sub('a', 'b', s))"
    execute(source, "<string>")
    try:
        raise ValueError("x")
    except ValueError:
        traceback.format_exc()
    hashlib.sha256(b"x").hexdigest()
    forget()
    flush()


def fresh(args):
    os.execvp("python3", ["python3", *args])


def run(args):
    random.seed()
    if len(args) > 1 and args[0] == "-c":
        source, name, sys.argv = args[1], "<string>", ["-c", *args[2:]]
        sys.path.insert(0, "")
    elif not args:
        source, name, sys.argv = sys.stdin.read(), "<stdin>", [""]
        sys.path.insert(0, "")
    elif not args[0].startswith("-"):
        name, sys.argv = args[0], list(args)
        try:
            with open(name, "rb") as file:
                source = file.read()
        except OSError:
            return fresh(args)
        sys.path.insert(0, os.path.dirname(os.path.realpath(name)))
    else:
        return fresh(args)
    code = 0
    try:
        execute(source, name)
    except SystemExit as error:
        code = status(error.code)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        code = 1
        error.__traceback__ = error.__traceback__.tb_next.tb_next  # without ours
        sys.excepthook(type(error), error, error.__traceback__)
    leave(code)


def execute(source, name):
    main = types.ModuleType("__main__")
    PROGRAM.append(main)
    if not name.startswith("<"):
        main.__file__ = name
    sys.modules["__main__"] = main
    exec(compile(source, name, "exec"), main.__dict__)


def status(code):
    if code is None or isinstance(code, int):
        return (code or 0) & 255
    print(code, file=sys.stderr)
    return 1


PROGRAM = []


def forget():
    while PROGRAM:
        PROGRAM.pop().__dict__.clear()


def flush():
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()


# What Python does at its end that can be seen from outside: threads, functions, destructors, streams.
# Taking the interpreter apart takes longer than most programs: its status is told before that.
def leave(code):
    if rehearsing:
        rehearse_threads()
    else:
        threading._shutdown()
    if not rehearsing or atexit._ncallbacks() == 0:
        atexit._run_exitfuncs()
    forget()
    try:
        flush()
    except OSError:
        code = 120
    if os.getpid() == PID:
        os.write(END, bytes([code]))
        while not rehearsing:
            signal.pause()
        return
    os._exit(code)


# Threads are ended once: the main one's end is taken back, as a fork does it.
def rehearse_threads():
    main = threading.main_thread()
    if hasattr(main, "_set_tstate_lock"):
        threading._shutdown()
        threading._SHUTTING_DOWN = main._is_stopped = False
        main._set_tstate_lock()


def rehearse(args):
    path, argv, main = list(sys.path), sys.argv, sys.modules["__main__"]
    warm_up()
    os.close(os.dup(CONTROL))
    bytearray(1 << 18)  # new memory
    run(args)
    sys.path[:], sys.argv, sys.modules["__main__"] = path, argv, main


PID = os.getpid()
os.set_inheritable(END, False)
warm_up()
os.write(CONTROL, b"R")
rehearsing = True
while rehearsing:
    head = read(5)
    rehearsing = head[0] == ord("W")
    line = read(int.from_bytes(head[1:], "little")).decode("utf-8", "surrogateescape")
    texts = line.split("\0")
    own = texts.index("")
    os.environ.update(text.split("=", 1) for text in texts[:own])
    args = texts[own + 2 : -1]
    if rehearsing:
        rehearse(args)
        os.write(CONTROL, b"w")
    else:
        os.close(CONTROL)
        run(args)
