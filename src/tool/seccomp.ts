/**
 * Owns: the filter of system calls for programs that share the host's kernel, as the kernel reads it
 * (classic BPF). Refused are calls no tool needs and exploits of the kernel begin with. Pure.
 */

/** @see audit.h: the only architecture whose numbers follow */
const X86_64 = 0xc000003e;
/** Numbers from here on are another calling convention. */
const X32 = 0x4000_0000;
const EPERM = 1;
const ENOSYS = 38;
const CLONE = 56;
/** Its flags lie in memory, where a filter cannot look: libraries fall back to `clone`. */
const CLONE3 = 435;
/** Flags of `clone` that make namespaces. */
const NEW_NAMESPACES = 0x7e02_0080;

/** What is refused, by number on x86-64. */
export const REFUSED: Readonly<Record<string, number>> = {
  ...{ ptrace: 101, syslog: 103, modify_ldt: 154, pivot_root: 155, adjtimex: 159, chroot: 161 },
  ...{ acct: 163, settimeofday: 164, mount: 165, umount2: 166, swapon: 167, swapoff: 168 },
  ...{ reboot: 169, sethostname: 170, setdomainname: 171, iopl: 172, ioperm: 173 },
  ...{ init_module: 175, delete_module: 176, quotactl: 179, clock_settime: 227 },
  ...{ kexec_load: 246, add_key: 248, request_key: 249, keyctl: 250, unshare: 272 },
  ...{ perf_event_open: 298, fanotify_init: 300, name_to_handle_at: 303, open_by_handle_at: 304 },
  ...{ clock_adjtime: 305, setns: 308, process_vm_readv: 310, process_vm_writev: 311, kcmp: 312 },
  ...{ finit_module: 313, kexec_file_load: 320, bpf: 321, userfaultfd: 323 },
  ...{ io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427, open_tree: 428 },
  ...{ move_mount: 429, fsopen: 430, fsconfig: 431, fsmount: 432, fspick: 433 },
  ...{ mount_setattr: 442, memfd_secret: 447 },
};

const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
const KILL = 0x8000_0000;
const ERROR = 0x0005_0000;

type Step = readonly [code: number, yes: number, no: number, value: number];

/** The filter, for `bwrap --seccomp`. */
export function seccompFilter(): Buffer {
  const answer = (errno: number): Step => [RETURN, 0, 0, ERROR | errno];
  const refused = Object.values(REFUSED).flatMap((number): Step[] => [
    [JUMP_EQUAL, 0, 1, number],
    answer(EPERM),
  ]);
  const steps: Step[] = [
    [LOAD, 0, 0, 4], // architecture
    [JUMP_EQUAL, 1, 0, X86_64],
    [RETURN, 0, 0, KILL],
    [LOAD, 0, 0, 0], // number
    [JUMP_GREATER, 0, 1, X32],
    answer(ENOSYS),
    ...refused,
    [JUMP_EQUAL, 0, 1, CLONE3],
    answer(ENOSYS),
    [JUMP_EQUAL, 0, 3, CLONE],
    [LOAD, 0, 0, 16], // its flags
    [JUMP_ANY_BIT, 0, 1, NEW_NAMESPACES],
    answer(EPERM),
    [RETURN, 0, 0, ALLOW],
  ];
  const program = Buffer.alloc(steps.length * 8);
  for (const [index, [code, yes, no, value]] of steps.entries()) {
    const at = index * 8;
    program.writeUInt16LE(code, at);
    program.writeUInt8(yes, at + 2);
    program.writeUInt8(no, at + 3);
    program.writeUInt32LE(value >>> 0, at + 4);
  }
  return program;
}
