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
