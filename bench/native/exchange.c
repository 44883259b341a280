/*
 * Traffic between two network namespaces, one operation after the other:
 *
 *     exchange requests    <client's namespace> <server's namespace> <address> <port> <count>
 *     exchange connections <client's namespace> <server's namespace> <address> <port> <count>
 *     exchange datagrams   <client's namespace> <server's namespace> <address> <port> <count>
 *
 * A request is a byte there and a byte back on one TCP connection; a connection is connect(), one request and close(). Of both the time
 * of each is printed, nanoseconds, as a JSON array. Datagrams have 18 bytes, frames of 60, and are sent without a pause: how many
 * arrived is printed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "samples.h"

enum { DATAGRAM = 18 };

static int datagrams;
static struct sockaddr_in server_address;
static volatile size_t arrived;

static void die(const char *what) {
  perror(what);
  exit(1);
}

/* A socket stays in the namespace that its thread was in. */
static void enter(const char *netns) {
  int fd = open(netns, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET)) die(netns);
  close(fd);
}

static int new_socket(void) {
  int one = 1, fd = socket(AF_INET, datagrams ? SOCK_DGRAM : SOCK_STREAM, 0);
  if (fd < 0) die("socket");
  if (!datagrams && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one)) die("TCP_NODELAY");
  return fd;
}

static int listening(void) {
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = server_address.sin_port};
  int fd = new_socket(), one = 1, buffer = 16 << 20;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one)) die("SO_REUSEADDR");
  if (datagrams) setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  if (bind(fd, (struct sockaddr *)&any, sizeof any)) die("bind");
  if (!datagrams && listen(fd, 128)) die("listen");
  return fd;
}

/* Answers each byte with a byte, a connection after the other; of datagrams it counts. */
static void *serve(void *socket) {
  int fd = *(int *)socket;
  char data[64];
  for (;;) {
    if (datagrams) {
      if (recv(fd, data, sizeof data, 0) > 0) arrived++;
      continue;
    }
    int client = accept(fd, NULL, NULL), one = 1;
    if (client < 0) die("accept");
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    while (read(client, data, 1) == 1)
      if (write(client, data, 1) != 1) break;
    close(client);
  }
  return NULL;
}

static int connected(void) {
  int fd = new_socket();
  if (connect(fd, (struct sockaddr *)&server_address, sizeof server_address)) die("connect");
  return fd;
}

static void request(int fd) {
  char byte = 1;
  if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1) die("request");
}

int main(int argc, char **argv) {
  if (argc != 7) return fprintf(stderr, "usage: exchange requests|connections|datagrams <client> <server> <address> <port> <count>\n"), 2;
  int each = strcmp(argv[1], "connections") == 0;
  size_t count = strtoul(argv[6], NULL, 10);
  datagrams = strcmp(argv[1], "datagrams") == 0;
  server_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[5]))};
  if (inet_pton(AF_INET, argv[4], &server_address.sin_addr) != 1) die(argv[4]);

  enter(argv[3]);
  int server = listening();
  pthread_t thread;
  if (pthread_create(&thread, NULL, serve, &server)) die("pthread_create");
  enter(argv[2]);
  if (datagrams) {
    static char data[DATAGRAM];
    int fd = connected();
    for (size_t i = 0; i < count; i++) send(fd, data, sizeof data, 0);
    usleep(100000);
    printf("%zu\n", (size_t)arrived);
    return 0;
  }
  uint64_t *samples = new_samples(count);
  int fd = each ? -1 : connected();
  for (size_t i = 0; i < count; i++) {
    uint64_t began = nanoseconds();
    if (each) fd = connected();
    request(fd);
    samples[i] = nanoseconds() - began;
    if (each) close(fd);
  }
  print_samples(samples, count);
  return 0;
}
