/* Owns: a witness: what the command opened, ran and left, seen from outside of it. A part of init.c. */
#define WITNESS_MAX 4000

static int fan = -1;
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
