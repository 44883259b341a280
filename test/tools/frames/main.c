#define _GNU_SOURCE
#include "frames.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void do_request(void) {
  uint32_t length;
  if (!read_full(&length, sizeof length)) exit(0);
  uint8_t *request = malloc(length + 1);
  if (!request) die("malloc");
  if (!read_full(request, length)) exit(0);
  struct cursor c = { request, request + length };
  switch (take_u8(&c)) {
    case OPEN: do_open(&c); break;
    case SEND: do_send(&c); break;
    case CLOSE: do_close(&c); break;
    case SWEEP: do_sweep(&c); break;
    case FLUSH: reply(0, "", 0); break;
    default: reply(EINVAL, "", 0);
  }
  free(request);
}

/* One socket per container may be more than the usual 1024. */
static void allow_many_files(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit)) die("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit)) die("setrlimit");
}

int main(void) {
  static struct pollfd polled[MAX_SOCKETS + 1];
  allow_many_files();
  remember_home();
  for (;;) {
    int n = 0;
    polled[n++] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
    for (int fd = 0; fd < MAX_SOCKETS; fd++)
      if (streams(fd)) polled[n++] = (struct pollfd){ fd, POLLIN, 0 };
    if (poll(polled, n, -1) < 0 && errno != EINTR) die("poll");
    for (int i = 1; i < n; i++)
      if (polled[i].revents) stream(polled[i].fd);
    if (polled[0].revents) do_request();
  }
}
