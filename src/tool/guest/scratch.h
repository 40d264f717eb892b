/* Owns: the scratch space: its size, and the files that a call brings. A part of init.c. */

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
#define SCRATCH_USUAL (64ull << 20) /* of a tool that names none: see ../../actor/walls.ts */

/* It is there from the start, in each template: a call only tells its size, if it is not the usual one. */
static uint64_t scratch_bytes = 0;
static void scratch(uint64_t bytes, int flags) {
  char option[80];
  snprintf(option, sizeof option, "size=%llu,mode=0755,uid=1000,gid=1000,nr_inodes=65536", (unsigned long long)bytes);
  if (mount("scratch", "/scratch", "tmpfs", MS_NOSUID | MS_NODEV | flags, option)) fatal("scratch");
  scratch_bytes = bytes;
}
static void scratch_of(uint64_t bytes) {
  if (bytes != scratch_bytes) scratch(bytes, MS_REMOUNT);
}
