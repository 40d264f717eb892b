/*
 * Owns: the way out of a sandbox that is made of the host's processes: it listens where HTTP clients are
 * told that a proxy is, and joins each connection to a socket of the host, where the proxy is. It goes
 * into the background once it listens.
 * Does not own: what may be reached (host: ../outlet.ts); a machine's way out (init.c).
 * It holds nothing together: who replaces or ends it has the socket of the host, as it has, or no way out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PAIRS 32
#define PART 32768
#define PORT 3128
#define DOOR "/usr/lib/coppice/door"

/* Bytes on their way from one end to the other. */
struct way {
  int ended, shut; /* no more come; and that was said */
  size_t at, length;
  char bytes[PART];
};
static struct pair {
  int fd[2]; /* [0] < 0: free */
  struct way way[2]; /* way[i] leads away from fd[i] */
} pairs[PAIRS];

static void end(struct pair *p) {
  close(p->fd[0]);
  close(p->fd[1]);
  p->fd[0] = -1;
}
static void begin(int listener) {
  struct sockaddr_un door = {AF_UNIX, DOOR};
  struct pair *p = pairs;
  while (p < pairs + PAIRS && p->fd[0] >= 0) p++;
  int fd = p < pairs + PAIRS ? accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
  if (fd < 0) return;
  int out = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (out < 0 || connect(out, (void *)&door, sizeof door)) {
    close(out);
    close(fd);
    return;
  }
  fcntl(out, F_SETFL, O_NONBLOCK);
  memset(p, 0, sizeof *p);
  p->fd[0] = fd;
  p->fd[1] = out;
}
static int odd(ssize_t k) { return k < 0 && errno != EAGAIN && errno != EINTR; }
/* @returns whether the pair still stands */
static int move(struct pair *p, int i, int readable) {
  struct way *w = &p->way[i];
  if (readable && !w->length && !w->ended) {
    ssize_t k = read(p->fd[i], w->bytes, PART);
    if (odd(k)) return 0;
    w->at = 0;
    w->length = k > 0 ? k : 0;
    w->ended = k == 0;
  }
  while (w->length) {
    ssize_t k = write(p->fd[!i], w->bytes + w->at, w->length);
    if (odd(k)) return 0;
    if (k <= 0) break;
    w->at += k;
    w->length -= k;
  }
  if (w->ended && !w->length && !w->shut) {
    shutdown(p->fd[!i], SHUT_WR);
    w->shut = 1;
  }
  return !(p->way[0].shut && p->way[1].shut);
}
/* An end that nothing is wanted of now is not watched: it may be over, and would say so without an end. */
static struct pollfd watch(struct pair *p, int i) {
  int to = p->way[i].length == 0 && !p->way[i].ended ? POLLIN : 0;
  int from = p->way[!i].length ? POLLOUT : 0;
  struct pollfd f = {p->fd[0] >= 0 && (to | from) ? p->fd[i] : -1, to | from, 0};
  return f;
}
int main(void) {
  int yes = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  struct sockaddr_in here = {AF_INET, htons(PORT), {htonl(INADDR_LOOPBACK)}};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (void *)&here, sizeof here) || listen(listener, 128)) return 1;
  pid_t child = fork();
  if (child) return child < 0;
  setsid();
  signal(SIGPIPE, SIG_IGN);
  close(0);
  close(1);
  close(2);
  for (struct pair *p = pairs; p < pairs + PAIRS; p++) p->fd[0] = -1;
  for (;;) {
    struct pollfd f[2 * PAIRS + 1];
    int used = 0;
    for (int i = 0; i < 2 * PAIRS; i++) {
      f[i] = watch(&pairs[i / 2], i % 2);
      used += i % 2 == 0 && pairs[i / 2].fd[0] >= 0;
    }
    f[2 * PAIRS] = (struct pollfd){used < PAIRS ? listener : -1, POLLIN, 0};
    if (poll(f, 2 * PAIRS + 1, -1) < 0) continue;
    for (int i = 0; i < 2 * PAIRS; i++) {
      struct pair *p = &pairs[i / 2];
      if (p->fd[0] < 0 || !f[i].revents) continue;
      int in = f[i].events & POLLIN && f[i].revents & (POLLIN | POLLHUP | POLLERR);
      if (!move(p, i % 2, in) || !move(p, !(i % 2), 0)) end(p);
    }
    if (f[2 * PAIRS].revents) begin(listener);
  }
}
