/* One frame to every port, and where each arrives. */
#define _GNU_SOURCE
#include "frames.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NOWHERE = 0xffff, MAX_LENGTH = 2048 };
enum { MAX_SURPLUS = 1 << 20 };                                /* then frames are multiplying: stop looking */

struct sweep {
  uint32_t number;                                             /* so that a late frame of the last sweep is not counted */
  int epoll;
  uint32_t ports, arrived;                                     /* asked for; of these, arrived at least once */
  uint32_t *place;                                             /* port -> its place in the order asked, or UINT32_MAX */
  uint16_t *location;                                          /* by place */
  uint16_t (*surplus)[2];                                      /* port, location */
  size_t surpluses;
};

static void record(struct sweep *s, const uint8_t *trailer, uint16_t location) {
  uint32_t number, port;
  memcpy(&number, trailer + 4, 4);
  memcpy(&port, trailer + 8, 4);
  port = ntohl(port);
  if (ntohl(number) != s->number || port > 0xffff || s->place[port] == UINT32_MAX) return;
  uint16_t *seen = &s->location[s->place[port]];
  if (*seen == NOWHERE) {
    *seen = location;
    s->arrived++;
    return;
  }
  s->surplus = realloc(s->surplus, (s->surpluses + 1) * sizeof *s->surplus);
  if (!s->surplus) die("realloc");
  s->surplus[s->surpluses][0] = port;
  s->surplus[s->surpluses++][1] = location;
}

static void receive(struct sweep *s, int fd, uint16_t location) {
  static uint8_t frames[BATCH][MAX_LENGTH];
  struct mmsghdr messages[BATCH];
  struct iovec iov[BATCH];
  for (int n = BATCH; n == BATCH;) {
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < BATCH; i++) {
      iov[i] = (struct iovec){ frames[i], sizeof frames[i] };
      messages[i].msg_hdr.msg_iov = &iov[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    n = recvmmsg(fd, messages, BATCH, 0, NULL);
    for (int i = 0; i < n; i++) {
      unsigned length = messages[i].msg_len;
      if (length >= TRAILER && !(messages[i].msg_hdr.msg_flags & MSG_TRUNC))
        record(s, frames[i] + length - TRAILER, location);
    }
  }
}

/* Until `wanted` ports have arrived, or nothing has for `quiet` milliseconds. */
static void collect(struct sweep *s, uint32_t wanted, int quiet) {
  struct epoll_event events[BATCH];
  int n;
  while (s->arrived < wanted && s->surpluses < MAX_SURPLUS && (n = epoll_wait(s->epoll, events, BATCH, quiet)) != 0)
    for (int i = 0; i < n; i++) receive(s, events[i].data.u64 >> 16, events[i].data.u64 & 0xffff);
}

/* What is sent to each port. */
struct probe { const uint8_t *template; size_t length, port_offset; };

static void fill(uint8_t *frame, const struct probe *p, uint32_t sweep_number, uint16_t port) {
  uint16_t be_port = htons(port);
  uint32_t trailer[3] = { htonl(MAGIC), htonl(sweep_number), htonl(port) };
  memcpy(frame, p->template, p->length);
  memcpy(frame + p->port_offset, &be_port, sizeof be_port);
  memcpy(frame + p->length - TRAILER, trailer, TRAILER);
}

/* In bursts that wait for their arrival: smaller than net.core.netdev_max_backlog, the queue every frame to a veth or
 * lo passes. Returns an errno, or 0. */
static int sweep_ports(struct sweep *s, int sender, const struct probe *p, const uint16_t *ports, uint32_t burst, int quiet) {
  uint8_t *frames = malloc(burst * p->length);
  struct mmsghdr *messages = calloc(burst, sizeof *messages);
  struct iovec *iov = calloc(burst, sizeof *iov);
  if (!frames || !messages || !iov) die("malloc");
  for (uint32_t i = 0; i < burst; i++) {
    iov[i] = (struct iovec){ frames + i * p->length, p->length };
    messages[i].msg_hdr.msg_iov = &iov[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  int error = 0;
  for (uint32_t done = 0; done < s->ports && !error;) {
    uint32_t n = s->ports - done < burst ? s->ports - done : burst, wanted = s->arrived + n;
    for (uint32_t i = 0; i < n; i++) fill(iov[i].iov_base, p, s->number, ports[done + i]);
    if (send_all(sender, messages, n) != n) error = errno;
    done += n;
    collect(s, wanted, quiet);
  }
  collect(s, UINT32_MAX, 5 * quiet);                           /* the late and the surplus ones */
  free(frames);
  free(messages);
  free(iov);
  return error;
}

void do_sweep(struct cursor *c) {
  static uint32_t number;
  uint32_t sender = take_u32(c);
  uint16_t port_offset = take_u16(c), burst = take_u16(c);
  int quiet = take_u32(c);
  struct sweep s = { .number = ++number, .epoll = epoll_create1(EPOLL_CLOEXEC), .ports = take_u32(c) };
  uint16_t *ports = malloc(s.ports * 2 + 1);
  s.place = malloc(65536 * sizeof *s.place);
  s.location = malloc(s.ports * 2 + 1);
  if (s.epoll < 0 || !ports || !s.place || !s.location) die("sweep");
  memcpy(ports, take(c, s.ports * 2), s.ports * 2);
  memset(s.place, 0xff, 65536 * sizeof *s.place);
  memset(s.location, 0xff, s.ports * 2);
  for (uint32_t i = 0; i < s.ports; i++) s.place[ports[i]] = i;

  int error = is_open(sender) ? 0 : EBADF;
  for (uint32_t receivers = take_u32(c); receivers > 0; receivers--) {
    uint64_t fd = take_u32(c), location = take_u16(c);
    struct epoll_event event = { EPOLLIN, { .u64 = fd << 16 | location } };
    if (!is_open(fd) || epoll_ctl(s.epoll, EPOLL_CTL_ADD, fd, &event)) error = EBADF;
  }
  struct probe p = { c->at, c->end - c->at, port_offset };
  if (p.length < TRAILER || p.length > MAX_LENGTH || port_offset + 2u > p.length - TRAILER || burst == 0) error = EINVAL;
  if (!error) error = sweep_ports(&s, sender, &p, ports, burst, quiet);

  size_t bytes = s.ports * 2 + s.surpluses * 4;
  uint8_t *body = malloc(bytes + 1);
  if (!body) die("malloc");
  memcpy(body, s.location, s.ports * 2);
  if (s.surpluses) memcpy(body + s.ports * 2, s.surplus, s.surpluses * 4);
  reply(error, body, bytes);
  close(s.epoll);
  free(ports);
  free(s.place);
  free(s.location);
  free(s.surplus);
  free(body);
}
