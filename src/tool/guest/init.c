/*
 * Owns: the guest's first process. It loads drivers, mounts the read-only root and the scratch
 * space, keeps a warm interpreter ready, runs the one command it is given as an ordinary user inside
 * a control group, and relays its streams, and its connections to the host's proxy if hosts are granted. It is trusted only until the guest is owned: every
 * limit that matters is held again on the host.
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
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX (1 << 20)
#define CHUNK 32768
#define ARGS_MAX 1024
#define TOOL_ID 1000
#define WITNESS_MAX 4000
/* <linux/random.h>; its headers and those of the C library define some macros twice. */
#define ADD_ENTROPY 0x40085203
#define RESEED 0x5207
#define SYS_PIDFD_OPEN 434 /* newer than some headers */
#define FLAG_WITNESS 1
#define FLAG_NETWORK 2
#define ENV_OWN 5
#define ENV_MAX 16
#define STREAMS 32
#define WINDOW 65536
#define PROXY_PORT 3128
/* <linux/vm_sockets.h>, which small C libraries do not have. */
#define FAMILY_VSOCK 40
#define VSOCK_ANY 0xffffffffu
/* Below 1024, so that no tool can take it. The host connects to it; see ../vsock.ts. */
#define VSOCK_PORT 52
struct vsock_address {
  unsigned short family, zero;
  unsigned int port, machine;
  unsigned char flags, rest[3];
};

static int port = -1;         /* the channel to the host */
static int door = -1;         /* where the host connects to it; -1: the channel is a console, always there */
static char warm_name[32];    /* interpreter that waits warm; empty: none */
static pid_t warm = 0;
static int warm_control = -1;
static const char *rehearsal; /* the command line that a warm interpreter rehearses, and its length */
static size_t rehearsal_length;
static int warm_end = -1;     /* where the warm interpreter says how it ends */
static int in = -1, out = -1, err = -1; /* our ends of the command's streams */
static int child_in = -1, child_out = -1, child_err = -1;
static int fan = -1;
static char *envs[ENV_OWN + ENV_MAX + 1] = {"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/scratch",
                       "TMPDIR=/scratch", "LANG=C.UTF-8", "USER=tool", 0};

static void fatal(const char *what) {
  dprintf(2, "init: %s: %s\n", what, strerror(errno));
  reboot(RB_AUTOBOOT);
  for (;;) pause();
}

/* The channel has ended. A console never does; through a door the host comes again, and takes what it missed anew. */
static size_t got_n = 0;
static void lost(const char *what) {
  if (door < 0) fatal(what);
  close(port);
  port = -1;
  got_n = 0;
}

/* ---- frames: length, type, checksum, payload; see ../frames.ts ---- */

static uint32_t crc_table[256];
static void crc_init(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int k = 0; k < 8; k++) c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
    crc_table[i] = c;
  }
}
static uint32_t crc(uint32_t c, const unsigned char *b, size_t n) {
  c = ~c;
  while (n--) c = crc_table[(c ^ *b++) & 255] ^ (c >> 8);
  return ~c;
}
static void put_all(int fd, const void *bytes, size_t n) {
  const char *p = bytes;
  while (n) {
    ssize_t k = write(fd, p, n);
    if (k < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      if (fd == port) lost("port");
      return;
    }
    p += k;
    n -= k;
  }
}
static void put_u32(unsigned char *p, uint32_t v) { p[0] = v; p[1] = v >> 8; p[2] = v >> 16; p[3] = v >> 24; }
static uint32_t get_u32(const unsigned char *p) { return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24; }
static uint64_t get_u64(const unsigned char *p) { return get_u32(p) | (uint64_t)get_u32(p + 4) << 32; }

static unsigned char frame[9 + CHUNK];
/* Sends what lies at frame + 9. */
static void send_frame(char type, size_t n) {
  put_u32(frame, n);
  frame[4] = type;
  put_u32(frame + 5, crc(crc(0, frame + 4, 1), frame + 9, n));
  put_all(port, frame, 9 + n);
}
static void send_text(char type, const char *text) {
  size_t n = strlen(text);
  memcpy(frame + 9, text, n);
  send_frame(type, n);
}

static unsigned char got[FRAME_MAX + 9];
/* Reads what the port has. The host's side of a console may not be connected yet: then it reads as ended. */
static void fill(void) {
  ssize_t k = read(port, got + got_n, sizeof got - got_n);
  if (k > 0) got_n += k;
  else if (k == 0 && door < 0) usleep(1000);
  else if (k == 0 || (errno != EINTR && errno != EAGAIN)) lost("port");
}
/* A complete frame at the start of `got`? Its payload is at got + 9. */
static int complete(size_t *n) {
  if (got_n < 9) return 0;
  *n = get_u32(got);
  if (*n > FRAME_MAX) fatal("frame too long");
  if (got_n < 9 + *n) return 0;
  if (crc(crc(0, got + 4, 1), got + 9, *n) != get_u32(got + 5)) fatal("checksum");
  return 1;
}
static void drop(size_t n) {
  if (got_n < 9 + n) return; /* the channel was lost over it */
  got_n -= 9 + n;
  memmove(got, got + 9 + n, got_n);
}

/* ---- small files of the kernel ---- */

static void put_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  put_all(fd, text, strlen(text));
  close(fd);
}
static void put_number(const char *path, uint64_t v) {
  char b[32];
  snprintf(b, sizeof b, "%llu", (unsigned long long)v);
  put_file(path, b);
}
/* The number after `key` in a file of the kernel; without a key its first number. */
static uint64_t number_in(const char *path, const char *key) {
  static char b[8192];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t n = read(fd, b, sizeof b - 1);
  close(fd);
  if (n <= 0) return 0;
  b[n] = 0;
  char *p = key ? strstr(b, key) : b;
  return p ? strtoull(p + (key ? strlen(key) : 0), 0, 10) : 0;
}
/* Packets and connections the kernel had no way for: the guest has no network. */
static uint64_t no_route(void) {
  static char b[8192];
  int fd = open("/proc/net/snmp", O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? 0 : read(fd, b, sizeof b - 1);
  if (fd >= 0) close(fd);
  b[n > 0 ? n : 0] = 0;
  char *names = strstr(b, "Ip: "), *values = names ? strstr(names + 4, "Ip: ") : 0;
  if (!values) return 0;
  char *at = strstr(names, " OutNoRoutes");
  if (!at || at > values) return 0;
  int column = 0;
  for (char *p = names; p <= at; p++) column += *p == ' ';
  char *p = values;
  for (; *p && column; p++) column -= *p == ' ';
  return strtoull(p, 0, 10);
}

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
/* Starts a program on the command's streams; `control` and `end` become its descriptors 3 and 4 if they are ones. */
static pid_t start(char **argv, int control, int end) {
  pid_t pid = fork();
  if (pid) return pid;
  setsid();
  signal(SIGPIPE, SIG_DFL);
  dup2(child_in, 0);
  dup2(child_out, 1);
  dup2(child_err, 2);
  int from = 3;
  if (control >= 0) {
    dup2(control, 3);
    dup2(end, 4);
    fcntl(3, F_SETFD, 0);
    fcntl(4, F_SETFD, 0);
    from = 5;
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
  /* What V8 does by itself after a while, it would do again in every copy: seconds have passed in each. */
  char *node[] = {"node", "--no-memory-reducer", "--no-flush-bytecode", "/lib/coppice/warm.cjs", 0};
  char *python[] = {"python3", "-I", "/lib/coppice/warm.py", 0};
  int is_node = !strcmp(warm_name, "node");
  char **argv = is_node ? node : !strcmp(warm_name, "python3") ? python : 0;
  if (!argv) {
    warm_name[0] = 0;
    return;
  }
  rehearsal = is_node ? node_line : python_line;
  rehearsal_length = is_node ? sizeof node_line : sizeof python_line;
  int s[2], p[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) || pipe2(p, O_CLOEXEC)) fatal("socketpair");
  fchown(p[1], TOOL_ID, TOOL_ID); /* so that Node.js can open it again, not to be inherited */
  warm = start(argv, s[1], p[1]);
  close(s[1]);
  close(p[1]);
  warm_control = s[0];
  warm_end = p[0];
  char ready;
  if (read(warm_control, &ready, 1) != 1) fatal("warm interpreter");
}

/* ---- a witness: what the command opened, ran and left, seen from outside of it ---- */

static int witnessed = 0;
static void witness_line(const char *what, const char *path) {
  char line[4200];
  if (witnessed++ >= WITNESS_MAX) return;
  snprintf(line, sizeof line, "%s\t%s", what, path);
  send_text('L', line);
}
static void witness_start(void) {
  fan = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC | O_LARGEFILE);
  uint64_t mask = FAN_OPEN | FAN_OPEN_EXEC;
  if (fan < 0 || fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_MOUNT, mask, AT_FDCWD, "/") ||
      fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_MOUNT, mask, AT_FDCWD, "/proc") ||
      fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_MOUNT, mask, AT_FDCWD, "/scratch"))
    witness_line("blind", strerror(errno));
}
static void witness_read(void) {
  static char events[16384] __attribute__((aligned(8)));
  char link[64], path[4096];
  ssize_t n;
  while (fan >= 0 && (n = read(fan, events, sizeof events)) > 0) {
    struct fanotify_event_metadata *e = (void *)events;
    for (; FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
      if (e->mask & FAN_Q_OVERFLOW) witness_line("lost", "events");
      if (e->fd < 0) continue;
      if (e->pid != getpid()) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", e->fd);
        ssize_t k = readlink(link, path, sizeof path - 1);
        if (k > 0) {
          path[k] = 0;
          witness_line(e->mask & FAN_OPEN_EXEC ? "exec" : "open", path);
        }
      }
      close(e->fd);
    }
  }
}
static int witness_entry(const char *path, const struct stat *s, int kind, struct FTW *at) {
  char line[4200];
  if (at->level == 0) return 0;
  snprintf(line, sizeof line, "%llu\t%s", kind == FTW_F ? (unsigned long long)s->st_size : 0ull, path);
  witness_line(kind == FTW_SL ? "link" : kind == FTW_F ? "file" : "folder", line);
  return witnessed >= WITNESS_MAX;
}

/* ---- the way out: connections to a port of the guest, carried over the channel; see ../streams.ts ---- */

static struct stream {
  int fd; /* < 0: free */
  uint32_t id, credit; /* what the host still takes */
  int ended, host_ended, shut;
  size_t length; /* of what waits for the command */
  unsigned char waiting[WINDOW];
} streams[STREAMS];
static int listener = -1;
static uint32_t last_stream = 0;

/* kind, stream, and what lies at frame + 14 */
static void say_stream(char kind, struct stream *s, size_t n) {
  frame[9] = kind;
  put_u32(frame + 10, s->id);
  send_frame('n', 5 + n);
}
static void open_network(void) {
  struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  struct sockaddr_in here = {AF_INET, htons(PROXY_PORT), {htonl(INADDR_LOOPBACK)}};
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0 || ioctl(listener, SIOCSIFFLAGS, &lo) || bind(listener, (void *)&here, sizeof here) ||
      listen(listener, 128))
    fatal("network");
  for (struct stream *s = streams; s < streams + STREAMS; s++) s->fd = -1;
}
static void end_stream(struct stream *s, int say) {
  close(s->fd);
  s->fd = -1;
  if (say) say_stream('c', s, 0);
}
static void accept_stream(struct stream *s) {
  s->fd = accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (s->fd < 0) return;
  s->id = ++last_stream;
  s->credit = WINDOW;
  s->ended = s->host_ended = s->shut = 0;
  s->length = 0;
  say_stream('o', s, 0);
}
static void flush_stream(struct stream *s) {
  ssize_t k = s->length ? write(s->fd, s->waiting, s->length) : 0;
  if (k < 0 && errno != EAGAIN && errno != EINTR) return end_stream(s, 1);
  if (k > 0) {
    s->length -= k;
    memmove(s->waiting, s->waiting + k, s->length);
    put_u32(frame + 14, k);
    say_stream('a', s, 4);
  }
  if (!s->host_ended || s->length || s->shut) return;
  shutdown(s->fd, SHUT_WR);
  s->shut = 1;
  if (s->ended) end_stream(s, 1);
}
static void read_stream(struct stream *s) {
  size_t most = CHUNK - 5 < s->credit ? CHUNK - 5 : s->credit;
  ssize_t k = read(s->fd, frame + 14, most);
  if (k < 0 && errno != EAGAIN && errno != EINTR) return end_stream(s, 1);
  if (k > 0) {
    s->credit -= k;
    say_stream('d', s, k);
  } else if (k == 0) {
    s->ended = 1;
    say_stream('e', s, 0);
    if (s->shut) end_stream(s, 1);
  }
}
/* The host speaks of a stream; it may be one that has ended meanwhile. */
static void hear_stream(const unsigned char *p, size_t n) {
  if (n < 5) fatal("stream");
  struct stream *s = streams;
  while (s < streams + STREAMS && (s->fd < 0 || s->id != get_u32(p + 1))) s++;
  if (listener < 0 || s == streams + STREAMS) return;
  if (p[0] == 'd' && n - 5 <= WINDOW - s->length) {
    memcpy(s->waiting + s->length, p + 5, n - 5);
    s->length += n - 5;
    flush_stream(s);
  } else if (p[0] == 'a' && n == 9) s->credit += get_u32(p + 5);
  else if (p[0] == 'e') {
    s->host_ended = 1;
    flush_stream(s);
  } else if (p[0] == 'c') end_stream(s, 0);
  else fatal("stream");
}
/* Streams that nothing is wanted of now are not watched. @returns how many descriptors are to be */
static int watch_streams(struct pollfd *p) {
  int free = 0, n = 1;
  for (struct stream *s = streams; listener >= 0 && s < streams + STREAMS; s++, n++) {
    int wanted = (s->credit && !s->ended ? POLLIN : 0) | (s->length ? POLLOUT : 0);
    p[n] = (struct pollfd){wanted ? s->fd : -1, wanted, 0};
    free += s->fd < 0;
  }
  p[0] = (struct pollfd){free ? listener : -1, POLLIN, 0};
  return n;
}
static void serve_streams(const struct pollfd *p) {
  for (int i = 0; i < STREAMS; i++) {
    struct stream *s = &streams[i];
    int seen = p[i + 1].fd >= 0 ? p[i + 1].revents : 0;
    if (seen && s->length) flush_stream(s);
    if (seen && s->fd >= 0 && p[i + 1].events & POLLIN) read_stream(s);
  }
  for (int i = 0; i < STREAMS && p[0].revents; i++)
    if (streams[i].fd < 0) return accept_stream(&streams[i]);
}

/* ---- requests ---- */

static void seed(const unsigned char *p, size_t n) {
  struct { int bits, size; unsigned char bytes[32]; } pool = {256, 32, {0}};
  if (n < 40) fatal("seed");
  memcpy(pool.bytes, p, 32);
  int u = open("/dev/urandom", O_RDWR | O_CLOEXEC);
  if (u < 0 || ioctl(u, ADD_ENTROPY, &pool) || ioctl(u, RESEED, 0)) fatal("reseed");
  close(u);
  uint64_t ms = get_u64(p + 32);
  struct timespec now = {ms / 1000, (ms % 1000) * 1000000};
  if (clock_settime(CLOCK_REALTIME, &now)) fatal("clock");
}
/* 'F': flags, path, 0, bytes: a new file; 'f': more bytes of it. */
static int file_fd = -1;
static void add_file(char type, unsigned char *p, size_t n) {
  char path[4200];
  if (type == 'F') {
    size_t k = n > 1 ? strnlen((char *)p + 1, n - 1) : 0;
    if (k == 0 || k + 1 >= n || k > 4000) fatal("file");
    snprintf(path, sizeof path, "/scratch/%s", p + 1);
    for (char *s = path + 6; (s = strchr(s, '/')); s++) {
      *s = 0;
      if (!mkdir(path, 0755)) chown(path, TOOL_ID, TOOL_ID);
      *s = '/';
    }
    if (file_fd >= 0) close(file_fd);
    file_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, p[0] & 1 ? 0755 : 0644);
    if (file_fd >= 0) fchown(file_fd, TOOL_ID, TOOL_ID);
    p += k + 2;
    n -= k + 2;
  }
  while (n && file_fd >= 0) {
    ssize_t k = write(file_fd, p, n);
    if (k <= 0) {
      send_text('N', strerror(errno)); /* the scratch space is smaller than the files */
      close(file_fd);
      file_fd = -1;
      return;
    }
    p += k;
    n -= k;
  }
}
/* It is there from the start, in each template: a call only tells its size. */
static void scratch(uint64_t bytes, int flags) {
  char option[80];
  snprintf(option, sizeof option, "size=%llu,mode=0755,uid=1000,gid=1000,nr_inodes=65536", (unsigned long long)bytes);
  if (mount("scratch", "/scratch", "tmpfs", MS_NOSUID | MS_NODEV | flags, option)) fatal("scratch");
}
/* Throws away what a stream has. */
static void empty(int fd) {
  int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  while (read(fd, frame + 9, CHUNK) > 0);
  fcntl(fd, F_SETFL, flags);
}
static uint64_t use[5]; /* of the command: processor, peak, kills for memory, refused processes, processes */
static void measure(void) {
  use[0] = number_in("/cg/tool/cpu.stat", "usage_usec ");
  use[1] = number_in("/cg/tool/memory.peak", 0);
  use[2] = number_in("/cg/tool/memory.events", "oom_kill ");
  use[3] = number_in("/cg/tool/pids.events", "max ");
  use[4] = number_in("/cg/tool/pids.current", 0);
}
/* Are there processes of the command, beside a warm interpreter that has told its end? */
static int others(void) {
  char b[64];
  int fd = open("/cg/tool/cgroup.procs", O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, b, sizeof b - 1);
  if (fd >= 0) close(fd);
  b[n > 0 ? n : 0] = 0;
  char *end = b;
  int first = strtol(b, &end, 10);
  return n < 0 || (n > 0 && (first != warm || strtol(end, 0, 10) != 0));
}
static void limit(uint64_t memory, uint64_t processes) {
  put_number("/cg/tool/memory.max", memory);
  put_file("/cg/tool/memory.swap.max", "0");
  put_number("/cg/tool/pids.max", processes);
}
/* Tells the warm interpreter a command line: 'R' to run it, 'W' to rehearse it. */
static void tell_warm(char what, const void *line, size_t n) {
  unsigned char head[5] = {what};
  put_u32(head + 1, n);
  put_all(warm_control, head, 5);
  put_all(warm_control, line, n);
}
/* Everything that a call does, as far as it can be undone: a software processor translates it here. */
static void warm_up(void) {
  char answer;
  scratch(1 << 20, MS_REMOUNT);
  limit(1ull << 40, 30000);
  if (warm) {
    tell_warm('W', rehearsal, rehearsal_length);
    if (read(warm_control, &answer, 1) != 1) fatal("warm interpreter");
  } else {
    char *argv[] = {"/bin/sh", "-c", "echo; [ -d / ] && cat /etc/hostname", 0};
    waitpid(start(argv, -1, -1), 0, 0);
  }
  empty(out);
  empty(err);
  measure();
  others();
  send_text('w', "");
}

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
  if (warm && !strcmp(argv[0], warm_name)) {
    tell_warm('R', args, length);
    return warm;
  }
  if (warm) {
    kill(warm, SIGKILL);
    waitpid(warm, 0, 0);
    close(warm_end);
    warm_end = -1;
    warm = 0;
  }
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
  if (others()) put_file("/cg/tool/cgroup.kill", "1");
  rest(out, 'O');
  rest(err, 'E');
  if (witness) {
    char text[64];
    witness_read();
    nftw("/scratch", witness_entry, 16, FTW_PHYS);
    snprintf(text, sizeof text, "%llu", (unsigned long long)no_route());
    witness_line("net", text);
    snprintf(text, sizeof text, "%llu", (unsigned long long)use[4]);
    witness_line("left", text);
  }
  char text[200];
  snprintf(text, sizeof text, "{\"code\":%d,\"signal\":%d,\"oom\":%llu,\"full\":%llu,\"cpuUs\":%llu,\"peak\":%llu}",
           WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
           (unsigned long long)use[2], (unsigned long long)use[3], (unsigned long long)use[0], (unsigned long long)use[1]);
  send_text('X', text);
}

/* ---- boot ---- */

static void load(const char *name) {
  char path[300];
  snprintf(path, sizeof path, "/modules/%s", name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) fatal(path);
  /* 4: the file is compressed */
  if (syscall(SYS_finit_module, fd, "", strstr(name, ".ko.") ? 4 : 0) && errno != EEXIST) fatal(path);
  close(fd);
}
static void load_all(const char *list) {
  char b[300];
  FILE *order = fopen(list, "re");
  while (order && fgets(b, sizeof b, order)) {
    b[strcspn(b, "\n")] = 0;
    if (*b) load(b);
  }
  if (order) fclose(order);
}
/* The value of a word of the kernel's command line. */
static void word(const char *key, char *value, size_t n) {
  static char line[4096];
  int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
  ssize_t k = fd < 0 ? 0 : read(fd, line, sizeof line - 1);
  if (fd >= 0) close(fd);
  line[k > 0 ? k : 0] = 0;
  value[0] = 0;
  char *p = strstr(line, key);
  if (p) snprintf(value, n, "%.*s", (int)strcspn(p + strlen(key), " \n"), p + strlen(key));
}
/* Where machines have no console: a socket that the host connects to, again after each copy. */
static void open_door(void) {
  struct vsock_address here = {FAMILY_VSOCK, 0, VSOCK_PORT, VSOCK_ANY, 0, {0}};
  load_all("/modules/vsock");
  door = socket(FAMILY_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (door < 0 || bind(door, (void *)&here, sizeof here) || listen(door, 4)) fatal("vsock");
}
/* The host is there, or there again: whom it spoke to before, it has lost. */
static void let_in(void) {
  int host = accept4(door, 0, 0, SOCK_CLOEXEC);
  if (host < 0) return;
  if (port >= 0) close(port);
  port = host;
  got_n = 0;
  send_text('Y', "1");
}
static void boot(void) {
  char channel[16];
  mkdir("/dev", 0755);
  mkdir("/proc", 0555);
  mkdir("/root", 0755);
  if (mount("dev", "/dev", "devtmpfs", MS_NOSUID, "")) fatal("/dev");
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2")) fatal("/proc");
  load_all("/modules/order");
  word("channel=", channel, sizeof channel);
  if (!strcmp(channel, "vsock")) open_door();
  for (int i = 0; mount("/dev/vda", "/root", "erofs", MS_RDONLY | MS_NODEV | MS_NOSUID, ""); i++) {
    if (i > 10000) fatal("root image");
    usleep(1000);
  }
  symlink("/proc/self/fd", "/dev/fd");
  if (mount("/dev", "/root/dev", 0, MS_MOVE, 0) || mount("/proc", "/root/proc", 0, MS_MOVE, 0)) fatal("move");
  if (chdir("/root") || mount(".", "/", 0, MS_MOVE, 0) || chroot(".") || chdir("/")) fatal("root");
  if (mount("cg", "/cg", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, "")) fatal("cgroup");
  put_file("/cg/cgroup.subtree_control", "+memory +pids +cpu");
  if (mkdir("/cg/tool", 0755)) fatal("cgroup");
  scratch(1 << 20, 0);
  chmod("/cg", 0700);
  put_file("/proc/sys/kernel/dmesg_restrict", "1");
  put_file("/proc/sys/user/max_user_namespaces", "0");
  put_file("/proc/sys/kernel/printk", "1");
}

/* The warm interpreter has said its status: its own end, which takes long, is nobody's concern. */
static int interpreter_ended(int *status) {
  unsigned char code;
  if (read(warm_end, &code, 1) == 1) {
    *status = code << 8;
    return 1;
  }
  close(warm_end); /* it does without, or was replaced by another program */
  warm_end = -1;
  return 0;
}

static void serve(void) {
  pid_t command = 0;
  int witness = 0, status = 0, ended = -1;
  size_t n = 0;
  for (;;) {
    while (complete(&n)) {
      char type = got[4];
      if (type == 'S') seed(got + 9, n);
      else if (type == 'P') send_text('p', "");
      else if (type == 'W' && !command) warm_up();
      else if ((type == 'F' || type == 'f') && !command) add_file(type, got + 9, n);
      else if (type == 'D' && !command && n == 8) scratch(get_u64(got + 9), MS_REMOUNT);
      else if (type == 'R' && !command) {
        command = run(got + 9, n, &witness);
        ended = syscall(SYS_PIDFD_OPEN, command, 0);
      }
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
                                    {ended, POLLIN, 0}, {command ? warm_end : -1, POLLIN, 0},
                                    {command ? -1 : door, POLLIN, 0}};
    poll(p, 8 + watch_streams(p + 8), command ? 20 : -1);
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
      finish(status, witness);
      for (;;) pause();
    }
    for (pid_t gone; (gone = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (gone == command) {
        finish(status, witness);
        for (;;) pause(); /* one use: the host destroys this machine */
      }
      if (gone == warm && !command) fatal("warm interpreter");
    }
    if (command && child_out >= 0) {
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
  make_streams();
  start_warm();
  if (door < 0) send_text('Y', "1");
  serve();
  return 0;
}
