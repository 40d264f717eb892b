// What hostile code tries, and how each attempt must end on every tier. docs/CONTAINMENT.md is made of
// this table.

import type { Outcome } from "../../src/actor/outcome.ts";
import type { Call } from "../tck/sandbox-host.ts";

/** What the host put in reach of a wall with a hole. */
export interface Bait {
  readonly secret: string;
  /** Of the host: a file with the secret, and a folder to write to. */
  readonly file: string;
  readonly folder: string;
  /** A port the host listens on, on all of its addresses, and those addresses. */
  readonly port: number;
  readonly addresses: readonly string[];
  /** A port on 127.0.0.1 that may be granted: `/away` leads to the other, `/endless` never ends. */
  readonly granted: number;
  /** A process of the host. */
  readonly pid: number;
}

type End = Outcome["tag"];

export interface Attempt {
  readonly name: string;
  /** What is done, in words. */
  readonly what: string;
  readonly call: (bait: Bait) => Call;
  /** How it may end; the limit that ended it, where one must. */
  readonly ends: readonly End[];
  readonly limit?: string;
  /** What it must not print, beside the secret. */
  readonly never?: RegExp;
  readonly always?: RegExp;
}

const sh = (script: string, limits = {}): Call => ({ command: "sh", args: ["-c", script], limits });
const py = (code: string, limits = {}): Call => ({
  command: "python3",
  args: ["-c", code],
  limits,
});

const connect = (targets: string) => `
import socket
for host, port in ${targets}:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            with socket.socket(family) as s:
                s.settimeout(2)
                s.connect((host, port))
                print("REACHED", host, port)
        except OSError as error: print("no way", host, error)
try:
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); print("REACHED raw")
except OSError as error: print("no raw socket", error)
try: print("REACHED", socket.getaddrinfo("example.org", 80))
except OSError as error: print("no name", error)
`;

/** Through the proxy: every way to a host that was not granted, and one that was. */
const beyond = (port: number, granted: number) => `
import json, socket, urllib.request
def ask(name, request):
    try:
        with socket.create_connection(("127.0.0.1", 3128), 20) as s:
            s.sendall(request)
            said = s.recv(4000).decode("latin1")
            print("REACHED" if said.startswith("HTTP/1.1 2") else "no way", name, said.split("\\r")[0])
    except OSError as error: print("no way", name, error)
for host in ("127.0.0.1:${port}", "169.254.169.254:80", "[fd00:ec2::254]:80", "localhost:${granted}",
    "[::ffff:127.0.0.1]:${granted}", "2130706433:${granted}", "0x7f.1:${granted}", "127.1:${granted}",
    "127.0.0.1.:${granted}", "example.org:443", "127.0.0.1:${granted}@example.org:80"):
    ask(host, f"CONNECT {host} HTTP/1.1\\r\\n\\r\\n".encode())
    ask(host, f"GET http://{host}/ HTTP/1.1\\r\\nHost: 127.0.0.1:${granted}\\r\\n\\r\\n".encode())
ask("long head", b"GET http://127.0.0.1:${granted}/ HTTP/1.1\\r\\nX: " + b"x" * 100000)
ask("no HTTP", b"\\x00" * 1000)
try: urllib.request.urlopen("http://127.0.0.1:${granted}/away"); print("REACHED by redirect")
except OSError as error: print("no way by redirect", error)
print(urllib.request.urlopen("http://127.0.0.1:${granted}/hello").read().decode())
`;

const SOON = { timeoutMs: 4_000 };

export const ATTEMPTS: readonly Attempt[] = [
  {
    name: "read the host's environment",
    what: "its own, that of all processes it sees, the kernel's command line",
    call: () => sh("env; cat /proc/*/environ /proc/cmdline 2>/dev/null; set; exit 0"),
    ends: ["ok"],
  },
  {
    name: "read the host's files",
    what: "by path, through `/proc/1/root`, `/etc/shadow`, the disk's device",
    call: ({ file }) =>
      sh(`for f in ${file} /proc/1/root${file} /proc/1/cwd/${file} /etc/shadow \
        /dev/vda /dev/mem /proc/kcore; do
        head -c 200 $f 2>/dev/null && echo " READ $f"; done; exit 0`),
    ends: ["ok"],
    never: /READ/,
  },
  {
    name: "write the host's files",
    what: "by path, its programs, its libraries, through `/proc`",
    call: ({ folder }) =>
      sh(`for f in ${folder}/mark /proc/1/root${folder}/mark /etc/mark /usr/bin/busybox /lib/mark /dev/mark \
        /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/1/oom_score_adj; do
        (echo x > $f) 2>/dev/null && echo "WROTE $f"; done; exit 0`),
    ends: ["ok"],
    never: /WROTE/,
  },
  {
    name: "symlinks and paths",
    what: "links to the host's files in the scratch space, `..`, `/proc/self/fd`",
    call: ({ file }) =>
      sh(`ln -s ${file} a; ln -s /proc/1/root b; ln -s ../../../../../..${file} c
        cat a b${file} c 2>/dev/null
        cd ../../../..; cat .${file} 2>/dev/null; cat /proc/self/fd/[3-9]* 2>/dev/null </dev/null; exit 0`),
    ends: ["ok"],
  },
  {
    name: "reach the network",
    what: "the host's own listener on all of its addresses, a public address, raw sockets, names",
    call: ({ port, addresses }) => {
      const own = addresses.map((each) => `(${JSON.stringify(each)}, ${port})`).join(",");
      return py(connect(`[${own}, ("127.0.0.1", ${port}), ("::1", ${port}), ("1.1.1.1", 53)]`));
    },
    ends: ["ok"],
    never: /REACHED/,
    always: /no way/,
  },
  {
    name: "reach the metadata service",
    what: "169.254.169.254 and fd00:ec2::254, where clouds keep credentials",
    call: () =>
      py(connect('[("169.254.169.254", 80), ("fd00:ec2::254", 80), ("100.100.100.200", 80)]')),
    ends: ["ok"],
    never: /REACHED/,
    always: /no way/,
  },
  {
    name: "reach beyond the granted host",
    what: "through the proxy: other hosts, ports, metadata, private addresses, disguises, redirects, no HTTP",
    call: ({ port, granted }) =>
      py(beyond(port, granted), {
        ...{ network: [`127.0.0.1:${granted}`, `localhost:${granted}`], timeoutMs: 200_000 },
      }),
    ends: ["ok"],
    never: /REACHED/,
    always: /no way[\s\S]*granted says hello/,
  },
  {
    name: "reach beside the proxy",
    what: "with a host granted: raw sockets, names and connections that do not ask the proxy",
    call: ({ port, granted, addresses }) => {
      const own = addresses.map((each) => `(${JSON.stringify(each)}, ${granted})`).join(",");
      const targets = `[${own}, ("127.0.0.1", ${port}), ("127.0.0.1", ${granted}), ("1.1.1.1", 53)]`;
      return py(connect(targets), { network: [`127.0.0.1:${granted}`] });
    },
    ends: ["ok"],
    never: /REACHED/,
    always: /no way/,
  },
  {
    name: "traffic flood",
    what: "takes from a granted host what never ends",
    call: ({ granted }) =>
      sh(`wget -q -O /dev/null http://127.0.0.1:${granted}/endless; sleep 60`, {
        ...{ network: [`127.0.0.1:${granted}`], trafficBytes: 2 ** 20 },
      }),
    ends: ["killed"],
    limit: "traffic",
  },
  {
    name: "flood of connections",
    what: "opens connections to the proxy and drops them, without an end",
    call: ({ granted }) => {
      const code = `import socket
while True:
    try: socket.create_connection(("127.0.0.1", 3128), 5).close()
    except OSError: pass`;
      return py(code, { network: [`127.0.0.1:${granted}`], timeoutMs: 200_000 });
    },
    ends: ["killed"],
    limit: "traffic",
  },
  {
    name: "slow reader",
    what: "asks a granted host for what never ends, many times, and reads nothing",
    call: ({ granted }) => {
      const code = `import socket, time
all = []
for i in range(20):
    s = socket.create_connection(("127.0.0.1", 3128), 5)
    s.sendall(b"GET http://127.0.0.1:${granted}/endless HTTP/1.1\\r\\n\\r\\n")
    all.append(s)
print("waits", flush=True)
time.sleep(3)`;
      return py(code, { network: [`127.0.0.1:${granted}`], trafficBytes: 2 ** 30 });
    },
    ends: ["ok"],
  },
  {
    name: "fork bomb",
    what: "every process starts two more",
    call: () => sh("f() { f | f & }; f; while :; do :; done", SOON),
    ends: ["timeout", "failed", "killed"],
  },
  {
    name: "memory bomb",
    what: "takes memory and writes to it until there is none",
    call: () =>
      py("a = []\nwhile True: a.append(bytearray(b'x' * 4_000_000))", {
        memoryBytes: 96 * 2 ** 20,
      }),
    ends: ["killed", "failed"],
  },
  {
    name: "disk bomb",
    what: "writes until there is no space",
    call: () =>
      sh("dd if=/dev/zero of=/scratch/a bs=1M; dd if=/dev/zero of=/tmp/b bs=1M count=1; exit 5"),
    ends: ["failed"],
    always: /No space left/,
  },
  {
    name: "output flood",
    what: "prints without an end",
    call: () => sh("yes 0123456789012345678901234567890123456789"),
    ends: ["killed"],
    limit: "output",
  },
  {
    name: "one line without an end",
    what: "prints megabytes without a line end",
    call: () => sh("cat /dev/zero"),
    ends: ["killed"],
    limit: "output",
  },
  {
    name: "endless loop",
    what: "uses the processor for ever, deaf to signals",
    call: () => sh("trap '' TERM INT HUP; while :; do :; done", SOON),
    ends: ["timeout"],
  },
  {
    name: "outlive the call",
    what: "a daemon of a daemon in a session of its own, streams closed",
    call: () =>
      sh("(setsid sleep 86400 <&- >&- 2>&- &); (nohup sleep 86400 >/dev/null 2>&1 &); echo away"),
    ends: ["ok"],
  },
  {
    name: "signal the host",
    what: "SIGKILL to everybody, to the host's process by number, to number 1",
    call: ({ pid }) => sh(`kill -9 ${pid} 1 2>/dev/null; kill -9 -1; exit 0`, SOON),
    ends: ["ok", "failed", "unknown", "timeout"],
  },
  {
    name: "become root",
    what: "new namespaces, mounts, another root, device nodes, other users, kernel modules, a restart",
    call: () =>
      sh(`unshare -Ur true && echo BROKE user; unshare -m true && echo BROKE mount namespace
        mount -t tmpfs x /scratch && echo BROKE mount; chroot / true && echo BROKE chroot
        mknod n b 8 0 && head -c 1 n && echo BROKE node; su -c true && echo BROKE su
        setuidgid root true && echo BROKE setuid
        insmod x.ko && echo BROKE module; dmesg | grep -q "Linux version" && echo BROKE log
        chown 0 /scratch && echo BROKE owner; hostname evil && echo BROKE name
        date -s 2001-01-01; [ $(date +%Y) = 2001 ] && echo BROKE clock
        reboot -f; poweroff -f; exit 0`),
    ends: ["ok", "failed"],
    never: /BROKE/,
  },
  {
    name: "speak for the guest",
    what: "opens the channel to the host and its own supervisor's descriptors",
    call: () =>
      sh(`for f in /dev/vport* /dev/hvc* /proc/1/fd/* /proc/1/mem; do
        (echo hostile > $f) 2>/dev/null && echo "SPOKE $f"; done
        cat /cg/cgroup.procs && echo SPOKE; exit 0`),
    ends: ["ok"],
    never: /SPOKE/,
  },
];
