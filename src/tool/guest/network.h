/*
 * Owns: the way out: connections to a port of the guest, carried over the channel. ../streams.ts is the
 * other end. A part of init.c.
 */
#define STREAMS 32
#define WINDOW 65536
#define PROXY_PORT 3128

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
