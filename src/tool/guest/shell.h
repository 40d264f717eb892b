/*
 * Owns: a shell that waits warm: what it runs meanwhile, how it is told a program, and which programs it can
 * run as `sh -c` does. A part of init.c.
 */
#define SHELL_PROGRAM_MAX 2048 /* it reads byte by byte */

/*
 * It is told `W` and a program to rehearse, or `R` and the one to run, each ended by a zero byte. That runs in a
 * trap: the one other place where errors name no file, and where `break` has no loop of ours around it. On one
 * line, so that line numbers are those of `sh -c` too.
 */
static const char shell_waits[] =
  "printf R >&3; while IFS= read -r -d '' what <&3 && IFS= read -r -d '' program <&3; do "
  "trap \"trap - USR1; $program\" USR1; [ $what = R ] && break; kill -USR1 $$; printf w >&3; done; "
  "unset what program; exec 3>&-; kill -USR1 $$";
static const char shell_rehearsal[] = "echo 42; [ -d / ] && cat /etc/hostname";

/*
 * A trap's own status is forgotten, so it is told, through a pipe that is opened by its name for that: no program
 * meets a descriptor of ours. The end of the shell, which takes long, is then nobody's concern. What might have
 * something to say at that end, or change what the words mean, ends as usual. A program that could take them for its
 * own goes to a fresh shell: with a text that ends at a mark, with options that print what runs, or unfinished.
 */
#define SHELL_END "/dev/coppice-end"
static const char shell_tells[] = "\n2>/dev/null command echo $? >" SHELL_END "; exit", shell_ends[] = "\nexit $?";
static int shell_can(char **argv, int count) {
  if (count != 3 || strcmp(argv[0], "sh") || strcmp(argv[1], "-c")) return 0;
  const char *program = argv[2];
  size_t n = strlen(program);
  if (n > SHELL_PROGRAM_MAX || strstr(program, "<<") || strstr(program, "set ")) return 0;
  while (n && strchr(" \t\n", program[n - 1])) n--;
  return n && !strchr("\\&|!)", program[n - 1]);
}
static int ends_as_usual(const char *program) {
  static const char *const words[] = {"trap", "ulimit", "command", 0};
  int i = 0;
  while (words[i] && !strstr(program, words[i])) i++;
  return words[i] != 0;
}
static void tell_shell(int control, char what, const char *program) {
  static char told[2 + SHELL_PROGRAM_MAX + sizeof shell_tells + 1]; /* at once: it wakes up once */
  const char *end = ends_as_usual(program) ? shell_ends : shell_tells;
  int n = snprintf(told, sizeof told, "%c%c%s%.*s", what, 0, program, (int)strcspn(end, what == 'W' ? ";" : ""), end);
  put_all(control, told, n + 1);
}
