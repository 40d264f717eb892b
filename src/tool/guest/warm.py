# Owns: Python that waits warm in a guest. Descriptor 3 brings what to do: `W` warms up what a call
# will need, `R` brings the command line of `python3`; what it does not know how to do in this
# process it leaves to a fresh one.
import base64, collections, datetime, functools, hashlib, io, itertools, json, math, os, random, re, sys, traceback, types

CONTROL = 3


def read(length):
    parts = b""
    while len(parts) < length:
        got = os.read(CONTROL, length - len(parts))
        if not got:
            os._exit(125)
        parts += got
    return parts


def warm_up():
    out = io.StringIO()
    code = "import json, re\nfor i in range(200):\n    s = json.dumps({'a': [i, str(i)]})\nprint(len(s), re.sub('a', 'b', s), file=out)"
    exec(compile(code, "<warm>", "exec"), {"out": out})
    try:
        raise ValueError("x")
    except ValueError:
        traceback.format_exc()
    hashlib.sha256(b"x").hexdigest()


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
    main = types.ModuleType("__main__")
    if not name.startswith("<"):
        main.__file__ = name
    sys.modules["__main__"] = main
    try:
        exec(compile(source, name, "exec"), main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        trace = error.__traceback__.tb_next
        sys.stdout.flush()
        traceback.print_exception(type(error), error, trace)
        sys.exit(1)


warm_up()
os.write(CONTROL, b"R")
while True:
    if read(1) == b"W":
        warm_up()
        os.write(CONTROL, b"w")
        continue
    line = read(int.from_bytes(read(4), "little")).decode("utf-8", "surrogateescape")
    os.close(CONTROL)
    run(line.split("\0")[1:-1])
    break
