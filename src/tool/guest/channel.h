/*
 * Owns: the guest's end of the channel to the host: frames of length, type, checksum and payload, as
 * ../frames.ts has them, and what a lost channel means. A part of init.c.
 */
#define FRAME_MAX (1 << 20)
#define CHUNK 32768

static int port = -1;         /* the channel to the host */
static int door = -1;         /* where the host connects to it; -1: the channel is a console, always there */

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

static uint32_t crc_table[256];
static void crc_init(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int k = 0; k < 8; k++) c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
    crc_table[i] = c;
  }
}
/* Eight bytes a turn: a software processor is slow at turns, not at what is in them. */
#define CRC_STEP(i) c = crc_table[(c ^ b[i]) & 255] ^ (c >> 8)
static uint32_t crc(uint32_t c, const unsigned char *b, size_t n) {
  c = ~c;
  for (; n >= 8; n -= 8, b += 8) {
    CRC_STEP(0), CRC_STEP(1), CRC_STEP(2), CRC_STEP(3);
    CRC_STEP(4), CRC_STEP(5), CRC_STEP(6), CRC_STEP(7);
  }
  for (; n; n--, b++) CRC_STEP(0);
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
static int rehearsing = 0; /* all of a call but the sending: see rehearsal.h */
/* Sends what lies at frame + 9. */
static void send_frame(char type, size_t n) {
  put_u32(frame, n);
  frame[4] = type;
  put_u32(frame + 5, crc(crc(0, frame + 4, 1), frame + 9, n));
  if (!rehearsing) put_all(port, frame, 9 + n);
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
