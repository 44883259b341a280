// Runs every line of a file as a command, one after the other: a sample is the life of one process.
//
//     processes <file of command lines, words separated by blanks>
//
// In C because the fork of a large process, such as Node, would cost more than the command.
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "samples.h"

#define MAX_LINES 4096
#define MAX_WORDS 64

extern char **environ;

static void run(char **words) {
  pid_t pid;
  int status;
  const int error = posix_spawnp(&pid, words[0], NULL, NULL, words, environ);
  if (error != 0) {
    fprintf(stderr, "%s: %s\n", words[0], strerror(error));
    exit(1);
  }
  if (waitpid(pid, &status, 0) < 0 || status != 0) {
    fprintf(stderr, "%s ended with status %d\n", words[0], status);
    exit(1);
  }
}

static void split(char *line, char **words) {
  size_t count = 0;
  for (char *word = strtok(line, " \n"); word != NULL && count < MAX_WORDS; word = strtok(NULL, " \n")) {
    words[count++] = word;
  }
  words[count] = NULL;
}

int main(int argc, char **argv) {
  FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
  if (file == NULL) {
    fprintf(stderr, "usage: processes <file of command lines>\n");
    return 2;
  }
  uint64_t *samples = new_samples(MAX_LINES);
  size_t count = 0;
  char line[1024], *words[MAX_WORDS + 1];

  while (count < MAX_LINES && fgets(line, sizeof line, file) != NULL) {
    split(line, words);
    const uint64_t began = nanoseconds();
    run(words);
    samples[count++] = nanoseconds() - began;
  }

  print_samples(samples, count);
  fclose(file);
  return 0;
}
