/*
 * Owns: rehearsals: everything that a call does, as far as it can be undone, and without a word to the host. What
 * a software processor has not met before takes it longer than all the rest: it translates that here. A part of
 * init.c, whose loop goes on with what is begun here as with a call.
 */
#define PAGE 4096ul
#define TOUCHED (64 * PAGE)

/* Throws away what a stream has. */
static void empty(int fd) {
  int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  while (read(fd, frame + 9, CHUNK) > 0);
  fcntl(fd, F_SETFL, flags);
}
/* What is made and thrown away on the way to a command and back. */
static void rehearse_descriptors(void) {
  int s[2], p[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) || pipe2(p, O_CLOEXEC)) fatal("descriptors");
  for (int i = 0; i < 2; i++) {
    close(s[i]);
    close(p[i]);
  }
}
/* A file that a call brings. */
static void rehearse_file(void) {
  unsigned char flags_and_path[] = "\0.rehearsal\0it";
  add_file('F', flags_and_path, sizeof flags_and_path - 1);
  if (file_fd >= 0) close(file_fd);
  file_fd = -1;
  unlink("/scratch/.rehearsal");
}
/* Memory of a file, read and written: what waits warm has long been given all of its own. */
static void rehearse_memory(void) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/exe", warm);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  char *mapped = file < 0 ? MAP_FAILED : mmap(0, TOUCHED, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  if (mapped == MAP_FAILED) fatal("memory");
  for (size_t at = 0; at < TOUCHED; at += 16 * PAGE) {
    mapped[at + PAGE] = 1;              /* it was not there */
    mapped[at] = mapped[at + 2 * PAGE]; /* it was, to be read */
  }
  munmap(mapped, TOUCHED);
  close(file);
}
/* @returns the command: the loop hears of its end */
static pid_t rehearse(void) {
  rehearsing = 1;
  scratch(SCRATCH_USUAL, MS_REMOUNT);
  limit(1ull << 40, 30000);
  rehearse_descriptors();
  rehearse_file();
  rehearse_memory();
  if (is_shell) {
    char *argv[] = {"/bin/sh", "-c", (char *)shell_rehearsal, 0};
    waitpid(start(argv, -1, -1), 0, 0); /* what the one that waits cannot run */
    tell_shell(warm_control, 'W', shell_rehearsal);
  } else tell_warm('W', program, program_length);
  return warm;
}
/* What was rehearsed has ended; the interpreter has still to put its things back in place. */
static void rehearsed(void) {
  char answer;
  if (read(warm_control, &answer, 1) != 1) fatal("warm interpreter");
  empty(out);
  empty(err);
  rehearsing = 0;
  send_text('w', "");
}
