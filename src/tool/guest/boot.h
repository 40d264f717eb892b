/*
 * Owns: from the kernel to a root with its devices, drivers and limits; where there is no console, the
 * socket that the host connects to. A part of init.c.
 */
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
  put_file("/cg/cgroup.subtree_control", "+memory +pids");
  if (mkdir("/cg/tool", 0755)) fatal("cgroup");
  put_file("/cg/tool/memory.swap.max", "0");
  scratch(1 << 20, 0);
  chmod("/cg", 0700);
  put_file("/proc/sys/kernel/dmesg_restrict", "1");
  put_file("/proc/sys/user/max_user_namespaces", "0");
  put_file("/proc/sys/kernel/printk", "1");
}
