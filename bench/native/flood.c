// A flood of the smallest UDP datagrams, frames of 60 bytes, from a network namespace.
//
//     flood <namespace> <address> <local port> <port> <seconds>     prints how many were handed to the kernel
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, PAYLOAD = 18 };

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct sockaddr_in address_of(const char *host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail(host);
  return address;
}

int main(int argc, char **argv) {
  if (argc != 6) return fprintf(stderr, "usage: flood <namespace> <address> <local port> <port> <seconds>\n"), 2;
  int netns = open(argv[1], O_RDONLY | O_CLOEXEC);
  if (netns < 0 || setns(netns, CLONE_NEWNET) < 0) fail(argv[1]);
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in own = address_of("0.0.0.0", atoi(argv[3])), to = address_of(argv[2], atoi(argv[4]));
  if (bind(fd, (struct sockaddr *)&own, sizeof own) < 0) fail("bind");

  char payload[PAYLOAD] = {0};
  struct iovec part = {payload, sizeof payload};
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < BATCH; i++)
    messages[i].msg_hdr = (struct msghdr){
        .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &part, .msg_iovlen = 1};

  unsigned long sent = 0;
  for (const double end = now() + atof(argv[5]); now() < end;) {
    int count = sendmmsg(fd, messages, BATCH, MSG_DONTWAIT); // a full queue refuses: try again
    if (count > 0) sent += (unsigned long)count;
  }
  printf("%lu\n", sent);
  return 0;
}
