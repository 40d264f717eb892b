/* Owns: small files of the kernel: numbers and words read from them and written to them. A part of init.c. */

static void put_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  put_all(fd, text, strlen(text));
  close(fd);
}
/* Limits and use of the command. Open from the start: in a call they are only read and written. */
enum { MOST_MEMORY, MOST_PROCESSES, PEAK, KILLS, REFUSED, PROCESSES, THREADS, GROUP_FILES };
static int group_files[GROUP_FILES];
static void put_limit(int file, uint64_t v) {
  char b[32];
  snprintf(b, sizeof b, "%llu", (unsigned long long)v);
  if (pwrite(group_files[file], b, strlen(b), 0) < 0) fatal("limit");
}
static char group_text[4096];
/* @returns whether it could be read: its text */
static const char *text_of(int file) {
  ssize_t n = pread(group_files[file], group_text, sizeof group_text - 1, 0);
  if (n < 0) return 0;
  group_text[n] = 0;
  return group_text;
}
/* The number after `key`; without a key the first. */
static uint64_t number_in(int file, const char *key) {
  const char *p = text_of(file);
  if (p && key) p = strstr(p, key);
  return p ? strtoull(p + (key ? strlen(key) : 0), 0, 10) : 0;
}
/* What happened at a limit, which few commands reach: the kernel says whether there is anything to read. */
static uint64_t events_in(int file, const char *key) {
  struct pollfd p = {group_files[file], POLLPRI, 0};
  return poll(&p, 1, 0) > 0 && p.revents & POLLPRI ? number_in(file, key) : 0;
}
static void open_group(void) {
  static const char *const names[] = {"memory.max", "pids.max", "memory.peak", "memory.events",
                                      "pids.events", "cgroup.procs", "pids.current"};
  char path[64];
  for (int i = 0; i < GROUP_FILES; i++) {
    snprintf(path, sizeof path, "/cg/tool/%s", names[i]);
    group_files[i] = open(path, (i <= MOST_PROCESSES ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
    if (group_files[i] < 0) fatal(path);
  }
  text_of(KILLS); /* events are those since it was read */
  text_of(REFUSED);
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
