/* Owns: small files of the kernel: numbers and words read from them and written to them. A part of init.c. */

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
