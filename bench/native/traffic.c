/*
 * One stream of TCP or UDP between two network namespaces, as fast as it goes:
 *
 *     traffic tcp|udp <sender's namespace> <receiver's namespace> <address> <port> <seconds> [<bytes per second>]
 *
 * UDP is sent at the last number, or as fast as the socket's buffer lets it; a millisecond's worth of datagrams is one
 * system call (UDP_SEGMENT), and one packet to the kernel until a queue or a socket takes it apart. Prints what arrived in the second half of
 * the time, when what the beginning had of its own (burst, slow start) is over:
 * {"bytes": …, "seconds": …, "retransmissions": …}
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DATAGRAM = 1472, SEGMENTS = 40, WRITE = 65536 }; /* what fills a frame of Ethernet; what fills a GSO packet */

static int udp;
static double duration;
static double pace; /* bytes per second, 0: none */
static struct sockaddr_in destination;
static int sender_socket;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/* A socket stays in the namespace that its thread was in. */
static int socket_in(const char *netns) {
  int fd = open(netns, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET)) die(netns);
  close(fd);
  int made = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
  if (made < 0) die("socket");
  return made;
}

static void wait_until(double moment) {
  double left = moment - now();
  if (left <= 0) return;
  struct timespec t = { (time_t)left, (long)((left - (time_t)left) * 1e9) };
  nanosleep(&t, NULL);
}

/* How many datagrams are sent at once. */
static int datagrams(void) {
  double count = pace / 1000 / DATAGRAM;
  return count < 1 ? 1 : count > SEGMENTS ? SEGMENTS : (int)count;
}

static void *send_all(void *netns) {
  static char data[WRITE];
  int fd = socket_in(netns);
  size_t size = udp ? DATAGRAM * datagrams() : WRITE;
  int segment = DATAGRAM;
  if (udp && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment)) die("UDP_SEGMENT");
  sender_socket = fd;
  if (connect(fd, (struct sockaddr *)&destination, sizeof destination)) die("connect");
  double began = now(), sent = 0;
  while (now() - began < duration) {
    if (pace > 0) wait_until(began + sent / pace);
    ssize_t n = send(fd, data, size, 0);
    if (n < 0 && errno != ENOBUFS && errno != ECONNREFUSED && errno != EINTR) die("send");
    if (n > 0) sent += n;
  }
  return NULL;
}

/* The connection, or the UDP socket itself. */
static int receiver_in(const char *netns) {
  int fd = socket_in(netns), one = 1, buffer = 4 << 20;
  struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = destination.sin_port };
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one)) die("SO_REUSEADDR");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer))
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (udp) setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof one); /* where the kernel has it */
  if (bind(fd, (struct sockaddr *)&any, sizeof any)) die("bind");
  if (!udp && listen(fd, 1)) die("listen");
  return fd;
}

int main(int argc, char **argv) {
  if (argc < 7) return 2;
  static char buffer[1 << 18];
  signal(SIGPIPE, SIG_IGN);
  udp = strcmp(argv[1], "udp") == 0;
  duration = atof(argv[6]);
  pace = argc > 7 ? atof(argv[7]) : 0;
  destination = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(atoi(argv[5])) };
  if (inet_pton(AF_INET, argv[4], &destination.sin_addr) != 1) die(argv[4]);

  int fd = receiver_in(argv[3]);
  pthread_t sender;
  if (pthread_create(&sender, NULL, send_all, argv[2])) die("pthread_create");
  if (!udp && (fd = accept(fd, NULL, NULL)) < 0) die("accept");

  double began = now(), half = began + duration / 2, end = began + duration, first = 0, last = 0;
  unsigned long long bytes = 0;
  for (double t = began; t < end; t = now()) {
    struct pollfd polled = { fd, POLLIN, 0 };
    if (poll(&polled, 1, (int)((end - t) * 1000) + 1) <= 0) continue;
    ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n <= 0) break;
    /* From one arrival to another: the first one's bytes were under way before. */
    if ((last = now()) < half) continue;
    if (first == 0) first = last;
    else bytes += n;
  }
  struct tcp_info info = { 0 };
  socklen_t length = sizeof info;
  if (!udp && getsockopt(sender_socket, IPPROTO_TCP, TCP_INFO, &info, &length)) die("TCP_INFO");
  printf("{\"bytes\":%llu,\"seconds\":%.6f,\"retransmissions\":%u}\n", bytes, last - first, info.tcpi_total_retrans);
  return 0;
}
