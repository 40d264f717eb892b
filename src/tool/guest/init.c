/*
 * Owns: the guest's first process. It starts from a read-only root (boot.h), keeps a warm interpreter
 * ready, runs the one command it is given as an ordinary user inside a control group, and relays its
 * streams, and its connections to the host's proxy if hosts are granted (network.h). It is trusted only
 * until the guest is owned: every limit that matters is held again on the host.
 * Does not own: deadlines and output limits (host), what frames mean there (../frames.ts).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGS_MAX 1024
#define TOOL_ID 1000
/* <linux/random.h>; its headers and those of the C library define some macros twice. */
#define ADD_ENTROPY 0x40085203
#define RESEED 0x5207
#define FLAG_WITNESS 1
#define FLAG_NETWORK 2
#define ENV_OWN 5
#define ENV_MAX 16

#include "channel.h"
#include "kernel-files.h"
#include "scratch.h"
#include "shell.h"

static char warm_name[32];    /* interpreter that waits warm */
static int is_shell = 0;      /* it is one: see shell.h */
static pid_t warm = 0;
static int warm_control = -1;
static const char *program; /* the command line that a warm interpreter rehearses, and its length */
static size_t program_length;
static int warm_end = -1;     /* where the warm interpreter says how it ends */
static int in = -1, out = -1, err = -1; /* our ends of the command's streams */
static int child_in = -1, child_out = -1, child_err = -1;
static char *envs[ENV_OWN + ENV_MAX + 1] = {"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/scratch",
                       "TMPDIR=/scratch", "LANG=C.UTF-8", "USER=tool", 0};

/* ---- the command ---- */

static void become_tool(int join) {
  if (join) put_file("/cg/tool/cgroup.procs", "0");
  struct rlimit files = {1024, 1024}, none = {0, 0};
  setrlimit(RLIMIT_NOFILE, &files);
  setrlimit(RLIMIT_CORE, &none);
  put_file("/proc/self/oom_score_adj", "1000");
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (setgroups(0, 0) || setresgid(TOOL_ID, TOOL_ID, TOOL_ID) || setresuid(TOOL_ID, TOOL_ID, TOOL_ID)) _exit(126);
  if (chdir("/scratch")) _exit(126);
}
/*
 * Starts a program on the command's streams; `control` and `end` become its descriptors 3 and 4 if they are ones. A
 * copy of this process would cost more than it does, and leave pages to be copied in each call.
 */
static pid_t start(char **argv, int control, int end) {
  pid_t pid = vfork();
  if (pid) return pid;
  setsid();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  signal(SIGPIPE, SIG_DFL);
  dup2(child_in, 0);
  dup2(child_out, 1);
  dup2(child_err, 2);
  int from = 3, given[] = {control, end};
  for (int i = 0; i < 2 && given[i] >= 0; i++, from++) {
    dup2(given[i], from);
    fcntl(from, F_SETFD, 0);
  }
  syscall(SYS_close_range, from, ~0u, 0);
  become_tool(1);
  environ = envs;
  execvp(argv[0], argv);
  dprintf(2, "%s: %s\n", argv[0], strerror(errno));
  _exit(errno == ENOENT ? 127 : 126);
}
static void make_streams(void) {
  int p[2];
  if (pipe2(p, O_CLOEXEC)) fatal("pipe");
  child_in = p[0];
  in = p[1];
  fcntl(in, F_SETFL, O_NONBLOCK);
  if (pipe2(p, O_CLOEXEC)) fatal("pipe");
  out = p[0];
  child_out = p[1];
  if (pipe2(p, O_CLOEXEC)) fatal("pipe");
  err = p[0];
  child_err = p[1];
}
static void start_warm(void) {
  static const char node_line[] = "\0node\0-e\0console.log(6 * 7)", python_line[] = "\0python3\0-c\0print(6 * 7)";
  /* What V8 does by itself after a while, it would do again in every copy: seconds have passed in each. And what
   * was rehearsed often must not be what it compiles better first of all: see warm.cjs. */
  char *node[] = {"node", "--no-memory-reducer", "--no-flush-bytecode", "--no-opt", "--no-maglev",
                  "--invocation-count-for-maglev=2000",
                  "--invocation-count-for-feedback-allocation=1", "/lib/coppice/warm.cjs", 0};
  char *python[] = {"python3", "-I", "/lib/coppice/warm.py", 0};
  char *shell[] = {"sh", "-c", (char *)shell_waits, 0};
  int is_node = !strcmp(warm_name, "node");
  is_shell = !strcmp(warm_name, "sh");
  char **argv = is_node ? node : is_shell ? shell : !strcmp(warm_name, "python3") ? python : 0;
  if (!argv) fatal("warm=");
  program = is_node ? node_line : python_line;
  program_length = is_node ? sizeof node_line : sizeof python_line;
  int s[2], p[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s)) fatal("socketpair");
  if (is_shell) {
    if (mkfifo(SHELL_END, 0) || chown(SHELL_END, TOOL_ID, TOOL_ID) || chmod(SHELL_END, 0200)) fatal(SHELL_END);
    p[0] = open(SHELL_END, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  } else if (!pipe2(p, O_CLOEXEC)) fchown(p[1], TOOL_ID, TOOL_ID); /* Node.js opens it again, not to be inherited */
  if (p[0] < 0) fatal("end");
  warm = start(argv, s[1], p[1]);
  close(s[1]);
  if (!is_shell) close(p[1]);
  warm_control = s[0];
  warm_end = p[0];
  char ready;
  if (read(warm_control, &ready, 1) != 1) fatal("warm interpreter");
}

#include "witness.h"
#include "network.h"

/* ---- requests ---- */

static int randomness = -1; /* open from the start: each copy is seeded before all else */
static void seed(const unsigned char *p, size_t n) {
  struct { int bits, size; unsigned char bytes[32]; } pool = {256, 32, {0}};
  if (n < 40) fatal("seed");
  memcpy(pool.bytes, p, 32);
  if (ioctl(randomness, ADD_ENTROPY, &pool) || ioctl(randomness, RESEED, 0)) fatal("reseed");
  uint64_t ms = get_u64(p + 32);
  struct timespec now = {ms / 1000, (ms % 1000) * 1000000};
  if (clock_settime(CLOCK_REALTIME, &now)) fatal("clock");
}
static uint64_t use[3]; /* of the command: peak, kills for memory, refused processes */
static void measure(void) {
  use[0] = number_in(PEAK, 0);
  use[1] = events_in(KILLS, "oom_kill ");
  use[2] = events_in(REFUSED, "max ");
}
/* Are there processes of the command, beside a warm interpreter that has told its end? */
static int others(void) {
  const char *p = text_of(PROCESSES);
  if (!p) return 1;
  char *end;
  return *p && (strtol(p, &end, 10) != warm || strtol(end, 0, 10) != 0);
}
static void limit(uint64_t memory, uint64_t processes) {
  put_limit(MOST_MEMORY, memory);
  put_limit(MOST_PROCESSES, processes);
}
/* Tells the warm interpreter a command line: 'R' to run it, 'W' to rehearse it. */
static void tell_warm(char what, const void *line, size_t n) {
  static unsigned char told[5 + FRAME_MAX]; /* at once: it wakes up once */
  told[0] = what;
  put_u32(told + 1, n);
  memcpy(told + 5, line, n);
  put_all(warm_control, told, 5 + n);
}
#include "rehearsal.h"

static char *argv[ARGS_MAX + 1];
static unsigned char args[FRAME_MAX];
/*
 * memory, 8 bytes unused, processes, flags, then texts, each ended by 0: what is added to the environment,
 * an empty one, the arguments. @returns the command
 */
static pid_t run(const unsigned char *p, size_t n, int *witness) {
  int count = 0, env = 0, own = 0;
  if (n < 22 || p[n - 1] != 0) fatal("run");
  limit(get_u64(p), get_u32(p + 16));
  *witness = p[20] & FLAG_WITNESS;
  size_t length = n - 21;
  memcpy(args, p + 21, length);
  for (size_t at = 0; at < length && count < ARGS_MAX; at += strlen((char *)args + at) + 1) {
    char *text = (char *)args + at;
    if (own) argv[count++] = text;
    else if (!*text) own = 1;
    else if (env < ENV_MAX) envs[ENV_OWN + env++] = text;
  }
  if (!count) fatal("run");
  if (p[20] & FLAG_NETWORK) open_network();
  if (file_fd >= 0) close(file_fd);
  if (*witness) witness_start();
  if (is_shell && !env && shell_can(argv, count)) {
    tell_shell(warm_control, 'R', argv[2]);
    return warm;
  }
  if (!is_shell && !strcmp(argv[0], warm_name)) {
    tell_warm('R', args, length);
    return warm;
  }
  kill(warm, SIGKILL);
  waitpid(warm, 0, 0);
  close(warm_end);
  warm_end = -1;
  warm = 0;
  return start(argv, -1, -1);
}
/* @returns 0: the stream has ended, 1: nothing there now, 2: something was sent */
static int relay(int fd, char type) {
  ssize_t n = read(fd, frame + 9, CHUNK);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 1;
  if (n <= 0) return 0;
  send_frame(type, n);
  return 2;
}
/* A part of stdin: the next is asked for when the command has taken it. The channel goes on meanwhile. */
static unsigned char stdin_part[FRAME_MAX / 4];
static size_t stdin_n = 0, stdin_at = 0;
static int stdin_last = 0;
static void feed(void) {
  ssize_t k = stdin_n ? write(in, stdin_part + stdin_at, stdin_n - stdin_at) : 0;
  if (k < 0 && errno == EPIPE) k = stdin_n - stdin_at; /* nobody reads it any more */
  if (k > 0) stdin_at += k;
  if (stdin_at < stdin_n) return;
  stdin_n = stdin_at = 0;
  if (!stdin_last) return send_text('i', "");
  close(in);
  in = -1;
}
/* What was printed until now is still in the pipe; what a thread of the interpreter prints later nobody hears. */
static void rest(int fd, char type) {
  int left = 0;
  for (ioctl(fd, FIONREAD, &left); left > 0 && relay(fd, type) == 2; left -= CHUNK);
}
static void finish(int status, int witness) {
  measure();
  /* Where nobody is left nobody is ended: to take a process apart takes longer than most programs. */
  if (others() && !rehearsing) put_file("/cg/tool/cgroup.kill", "1");
  rest(out, 'O');
  rest(err, 'E');
  if (witness) {
    char text[64];
    witness_read();
    nftw("/scratch", witness_entry, 16, FTW_PHYS);
    snprintf(text, sizeof text, "%llu", (unsigned long long)no_route());
    witness_line("net", text);
    snprintf(text, sizeof text, "%llu", (unsigned long long)number_in(THREADS, 0));
    witness_line("left", text);
  }
  char text[200];
  snprintf(text, sizeof text, "{\"code\":%d,\"signal\":%d,\"oom\":%llu,\"full\":%llu,\"peak\":%llu}",
           WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
           (unsigned long long)use[1], (unsigned long long)use[2], (unsigned long long)use[0]);
  send_text('X', text);
}
/* One use: the host destroys this machine. What was rehearsed is over, and all as before. @returns the command */
static pid_t conclude(int status, int witness) {
  finish(status, witness);
  while (!rehearsing) pause();
  rehearsed();
  return 0;
}

#include "boot.h"

/* The warm interpreter has said its status: its own end, which takes long, is nobody's concern. */
static int interpreter_ended(int *status) {
  char said[8] = {0}; /* a byte, or a shell's number as text */
  if (read(warm_end, said, sizeof said - 1) > 0) {
    *status = (is_shell ? atoi(said) & 255 : (unsigned char)said[0]) << 8;
    return 1;
  }
  close(warm_end); /* it does without, or was replaced by another program */
  warm_end = -1;
  return 0;
}

static int children = -1; /* readable when one has ended */
static void watch_children(void) {
  sigset_t ended;
  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &ended, 0);
  children = signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK);
  if (children < 0) fatal("children");
}

static void serve(void) {
  pid_t command = 0;
  int witness = 0, status = 0;
  size_t n = 0;
  for (;;) {
    while (complete(&n)) {
      char type = got[4];
      if (type == 'S') seed(got + 9, n);
      else if (type == 'P') send_text('p', "");
      else if (type == 'W' && !command) command = rehearse();
      else if ((type == 'F' || type == 'f') && !command) add_file(type, got + 9, n);
      else if (type == 'D' && !command && n == 8) scratch_of(get_u64(got + 9));
      else if (type == 'R' && !command) command = run(got + 9, n, &witness);
      else if (type == 'n' && command) hear_stream(got + 9, n);
      else if ((type == 'I' || type == 'i') && command) {
        if (stdin_n || n > sizeof stdin_part) fatal("stdin");
        memcpy(stdin_part, got + 9, stdin_n = n);
        stdin_last = type == 'i';
        feed();
      } else fatal("frame");
      drop(n);
    }
    struct pollfd p[9 + STREAMS] = {{port, POLLIN, 0}, {command ? out : -1, POLLIN, 0}, {command ? err : -1, POLLIN, 0},
                                    {fan, POLLIN, 0}, {stdin_n ? in : -1, POLLOUT, 0},
                                    {children, POLLIN, 0}, {command ? warm_end : -1, POLLIN, 0},
                                    {command ? -1 : door, POLLIN, 0}};
    poll(p, 8 + watch_streams(p + 8), -1);
    if (p[0].revents & POLLIN || (p[0].revents && door >= 0)) fill();
    else if (p[0].revents & POLLHUP) usleep(1000);
    if (p[7].revents) let_in();
    if (p[1].revents && !relay(out, 'O')) out = -1;
    if (p[2].revents && !relay(err, 'E')) err = -1;
    if (p[3].revents) witness_read();
    if (p[4].revents) feed();
    if (listener >= 0) serve_streams(p + 8);
    if (p[6].revents && interpreter_ended(&status)) {
      if (witness) { /* it is not one of those that were left */
        kill(warm, SIGKILL);
        waitpid(warm, 0, 0);
      }
      command = conclude(status, witness);
    }
    struct signalfd_siginfo one;
    if (p[5].revents) read(children, &one, sizeof one);
    for (pid_t gone; p[5].revents && (gone = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (gone == warm && (!command || rehearsing)) fatal("warm interpreter");
      if (gone == command) command = conclude(status, witness);
    }
    if (command && !rehearsing && child_out >= 0) {
      close(child_in);
      close(child_out);
      close(child_err);
      child_in = child_out = child_err = -1;
    }
  }
}

int main(void) {
  crc_init();
  signal(SIGPIPE, SIG_IGN);
  boot();
  put_file("/proc/self/oom_score_adj", "-1000");
  word("warm=", warm_name, sizeof warm_name);
  for (int i = 0; door < 0 && (port = open("/dev/vport0p1", O_RDWR | O_CLOEXEC)) < 0; i++) {
    if (i > 20000) fatal("port");
    usleep(500);
  }
  /* Long ago: what was seeded before a copy of this machine is thrown away once time jumps. */
  struct timespec old = {946684800, 0};
  clock_settime(CLOCK_REALTIME, &old);
  randomness = open("/dev/urandom", O_RDWR | O_CLOEXEC);
  make_streams();
  open_group();
  watch_children();
  start_warm();
  if (door < 0) send_text('Y', "1");
  serve();
  return 0;
}
