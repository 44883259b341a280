/* Sockets inside network namespaces: what is sent through them, and what they capture. */
#define _GNU_SOURCE
#include "frames.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FRAME = 65536 + 64 };

static int home;                                               /* the namespace this process was started in */
static struct { int open, kind, flags; } sockets[MAX_SOCKETS]; /* by file descriptor */

void remember_home(void) {
  home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (home < 0) die("/proc/self/ns/net");
}

/* Only frames that end in MAGIC; `len` counts from the Ethernet header. */
static void accept_swept_only(int fd) {
  struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, TRAILER, 0, 5),
    BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, TRAILER),
    BPF_STMT(BPF_MISC | BPF_TAX, 0),
    BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MAGIC, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
    BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = { sizeof code / sizeof *code, code };
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program)) die("SO_ATTACH_FILTER");
}

/* Everything is set before bind(), which is what starts the capture. */
static int set_up(int fd, int kind, int flags, int protocol, const char *device) {
  int one = 1, zero = 0, buffer = 8 << 20;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer))
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (kind == RAW_IPV4) return setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &one, sizeof one);
  if (kind == RAW_IPV6) return 0;

  if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one)) return -1;
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, flags & OUTGOING ? &zero : &one, sizeof one)) return -1;
  if (flags & VNET_HEADER && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one)) return -1;
  if (flags & COUNTED) accept_swept_only(fd);
  struct sockaddr_ll address = {
    .sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_ifindex = if_nametoindex(device),
  };
  if (address.sll_ifindex == 0) return -1;
  return bind(fd, (struct sockaddr *)&address, sizeof address);
}

/* Interface names belong to the namespace, so set_up() runs inside it too. */
static int open_inside(const char *netns, int kind, int flags, int protocol, const char *device) {
  int there = open(netns, O_RDONLY | O_CLOEXEC);
  if (there < 0) return -1;
  int entered = setns(there, CLONE_NEWNET), error = errno, fd = -1;
  close(there);
  if (entered == 0) {
    fd = kind == PACKET ? socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)
                        : socket(kind == RAW_IPV4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    error = errno;
    if (fd >= 0 && (fd >= MAX_SOCKETS || set_up(fd, kind, flags, protocol, device))) {
      error = fd >= MAX_SOCKETS ? EMFILE : errno;
      close(fd);
      fd = -1;
    }
    if (setns(home, CLONE_NEWNET)) die("setns back");
  }
  errno = error;
  return fd;
}

void do_open(struct cursor *c) {
  int kind = take_u8(c), flags = take_u8(c), protocol = take_u16(c);
  const char *netns = take_string(c), *device = take_string(c);
  int fd = open_inside(netns, kind, flags, protocol, device);
  if (fd < 0) {
    reply(errno, "", 0);
    return;
  }
  sockets[fd].open = 1;
  sockets[fd].kind = kind;
  sockets[fd].flags = flags;
  uint32_t id = fd;
  reply(0, &id, sizeof id);
}

int is_open(uint32_t fd) { return fd < MAX_SOCKETS && sockets[fd].open; }

void do_close(struct cursor *c) {
  uint32_t fd = take_u32(c);
  if (!is_open(fd)) {
    reply(EBADF, "", 0);
    return;
  }
  close(fd);
  sockets[fd].open = 0;
  reply(0, "", 0);
}

/* Sends all, or returns how many went out before the error in errno. ENOBUFS is no error of ours: the device's queue,
 * or a filter on it, dropped that frame. */
unsigned send_all(int fd, struct mmsghdr *messages, unsigned count) {
  unsigned sent = 0;
  while (sent < count) {
    int n = sendmmsg(fd, messages + sent, count - sent, 0);
    if (n > 0) sent += n;
    else if (errno == ENOBUFS) sent++;
    else if (errno == EAGAIN) poll(&(struct pollfd){ fd, POLLOUT, 0 }, 1, -1);
    else if (errno != EINTR) break;
  }
  return sent;
}

/* A raw IPv4 packet is sent to the destination in its own header. */
static void address_packet(struct msghdr *message, struct sockaddr_in *to) {
  struct iovec *iov = message->msg_iov;
  to->sin_family = AF_INET;
  if (iov->iov_len >= 20) memcpy(&to->sin_addr, (char *)iov->iov_base + 16, 4);
  message->msg_name = to;
  message->msg_namelen = sizeof *to;
}

void do_send(struct cursor *c) {
  uint32_t fd = take_u32(c), total = 0;
  errno = is_open(fd) ? 0 : EBADF;
  while (errno == 0 && c->at < c->end) {
    struct mmsghdr messages[BATCH] = { 0 };
    struct iovec iov[BATCH];
    struct sockaddr_in to[BATCH] = { 0 };
    unsigned n;
    for (n = 0; n < BATCH && c->at < c->end; n++) {
      iov[n].iov_len = take_u32(c);
      iov[n].iov_base = (void *)take(c, iov[n].iov_len);
      messages[n].msg_hdr.msg_iov = &iov[n];
      messages[n].msg_hdr.msg_iovlen = 1;
      if (sockets[fd].kind == RAW_IPV4) address_packet(&messages[n].msg_hdr, &to[n]);
    }
    unsigned sent = send_all(fd, messages, n);
    total += sent;
    if (sent == n) errno = 0;
  }
  reply(errno, &total, sizeof total);
}

/* The kernel takes the VLAN tag out of the frame and reports it beside it. */
static int32_t vlan_tci(struct msghdr *message) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA) continue;
    struct tpacket_auxdata aux;
    memcpy(&aux, CMSG_DATA(c), sizeof aux);
    if (aux.tp_status & TP_STATUS_VLAN_VALID) return aux.tp_vlan_tci;
  }
  return -1;
}

void stream(int fd) {
  static uint8_t frame[MAX_FRAME];
  char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
  for (;;) {
    struct sockaddr_ll from = { 0 };
    struct iovec iov = { frame, sizeof frame };
    struct msghdr message = { &from, sizeof from, &iov, 1, control, sizeof control, 0 };
    ssize_t n = recvmsg(fd, &message, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;                                         /* nothing left; a device going down reports here too */
    struct __attribute__((packed)) { uint32_t length; uint8_t type, pkttype; int32_t tci; uint32_t socket; } head = {
      10 + n, CAPTURED, sockets[fd].kind == PACKET ? from.sll_pkttype : PACKET_HOST, vlan_tci(&message), fd,
    };
    write_full(&head, sizeof head);
    write_full(frame, n);
  }
}

int streams(int fd) { return sockets[fd].open && !(sockets[fd].flags & COUNTED); }

void stream_all(void) {
  for (int fd = 0; fd < MAX_SOCKETS; fd++)
    if (streams(fd)) stream(fd);
}
