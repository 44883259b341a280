// Repeats the system calls of an isolate() that was recorded, one after the other, and times them as a whole.
//
//     replay <script> <host's namespace> <container's namespace> <number>
//
// The messages of the script name the container's namespace by the file descriptor <number>. Its lines are
//
//     open <socket> <host|container> <protocol>     a netlink socket inside the namespace
//     send <socket> <hex>                           one sendmsg, and all answers to it
//     read <host|container> <path>
//     write <host|container> <hex> <path>           in one write(2)
//     mount <source> <target> <flags>               on a file that is made for it
//     begin                                         what stands before is not timed
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "samples.h"

#define MAX_CALLS 1024
#define MAX_SOCKETS 64
#define MAX_LINE (1 << 20)

enum kind { OPEN, SEND, READ, WRITE, MOUNT, BEGIN };

struct call {
  enum kind kind;
  int netns, socket, protocol;
  unsigned long flags;
  char *path, *source;
  unsigned char *bytes;
  size_t length;
};

static struct call calls[MAX_CALLS];
static size_t count;
static int sockets[MAX_SOCKETS];
static int entered = -1;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void enter(int netns) {
  if (entered == netns) return;
  if (setns(netns, CLONE_NEWNET) < 0) fail("setns");
  entered = netns;
}

static int open_netlink(int protocol) {
  const int on = 1, size = 4 << 20;
  const struct timeval patience = {.tv_sec = 5};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd < 0) fail("socket");
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  return fd;
}

static uint32_t last_sequence(const unsigned char *bytes, size_t length) {
  const struct nlmsghdr *header = NULL;
  for (size_t at = 0; at < length; at += NLMSG_ALIGN(header->nlmsg_len)) header = (const void *)(bytes + at);
  return header->nlmsg_seq;
}

// A look at what is not there, which the recorded call has taken for an answer: RTM_GET..., or a dump of sockets of a protocol that
// the kernel does not have. Nothing is made with both flags of NLM_F_DUMP, which are NLM_F_REPLACE and NLM_F_EXCL there.
static int is_look(const struct nlmsghdr *request) {
  return (request->nlmsg_type & 3) == 2 || (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

// Whether the last answer is among these.
static int answered(const char *bytes, size_t length, uint32_t sequence) {
  const struct nlmsghdr *header;
  for (size_t at = 0; at < length; at += NLMSG_ALIGN(header->nlmsg_len)) {
    header = (const void *)(bytes + at);
    const struct nlmsgerr *error = NLMSG_DATA(header);
    if (header->nlmsg_type == NLMSG_ERROR && error->error != 0 && !is_look(&error->msg)) {
      fprintf(stderr, "message %u was refused: %s\n", header->nlmsg_seq, strerror(-error->error));
      exit(1);
    }
    const int last = header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE;
    if (last && header->nlmsg_seq == sequence) return 1;
  }
  return 0;
}

static void exchange(const struct call *call) {
  static char answer[256 * 1024] __attribute__((aligned(NLMSG_ALIGNTO)));
  const int fd = sockets[call->socket];
  const uint32_t sequence = last_sequence(call->bytes, call->length);
  ssize_t received;
  if (send(fd, call->bytes, call->length, 0) < 0) fail("send");
  do {
    received = recv(fd, answer, sizeof answer, 0);
    if (received < 0) fail("recv");
  } while (!answered(answer, (size_t)received, sequence));
}

static void access_file(const struct call *call) {
  char part[4096];
  enter(call->netns);
  int fd = open(call->path, (call->kind == READ ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
  if (fd < 0) fail(call->path);
  if (call->kind == WRITE && write(fd, call->bytes, call->length) < 0) fail(call->path);
  if (call->kind == READ)
    while (read(fd, part, sizeof part) > 0) continue;
  close(fd);
}

static void mount_file(const struct call *call) {
  close(open(call->path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
  if (mount(call->source, call->path, NULL, call->flags, NULL) < 0) fail(call->path);
}

static void run(const struct call *call) {
  switch (call->kind) {
    case OPEN:
      enter(call->netns);
      sockets[call->socket] = open_netlink(call->protocol);
      break;
    case SEND: exchange(call); break;
    case READ:
    case WRITE: access_file(call); break;
    case MOUNT: mount_file(call); break;
    case BEGIN: break;
  }
}

static unsigned char *from_hex(const char *hex, size_t *length) {
  if (hex == NULL || strspn(hex, "0123456789abcdef") != strlen(hex)) errx(1, "hex was expected, not %s", hex);
  *length = strlen(hex) / 2;
  unsigned char *bytes = aligned_alloc(NLMSG_ALIGNTO, NLMSG_ALIGN(*length) + NLMSG_ALIGNTO);
  for (size_t i = 0; i < *length; i++) sscanf(hex + 2 * i, "%2hhx", &bytes[i]);
  return bytes;
}

static enum kind kind_of(const char *word) {
  static const char *const names[] = {"open", "send", "read", "write", "mount"};
  for (enum kind kind = OPEN; kind < BEGIN; kind++)
    if (strcmp(word, names[kind]) == 0) return kind;
  return BEGIN;
}

static struct call parse(char *line, int host, int container) {
  struct call call = {.kind = kind_of(strtok(line, " \n"))};
  if (call.kind == OPEN || call.kind == SEND) call.socket = atoi(strtok(NULL, " "));
  if (call.kind == MOUNT) call.source = strdup(strtok(NULL, " "));
  if (call.kind == OPEN || call.kind == READ || call.kind == WRITE)
    call.netns = strcmp(strtok(NULL, " "), "host") == 0 ? host : container;
  if (call.kind == SEND || call.kind == WRITE) call.bytes = from_hex(strtok(NULL, " \n"), &call.length);
  if (call.kind == READ || call.kind == WRITE || call.kind == MOUNT) call.path = strdup(strtok(NULL, " \n"));
  if (call.kind == OPEN) call.protocol = atoi(strtok(NULL, " \n"));
  if (call.kind == MOUNT) call.flags = strtoul(strtok(NULL, " \n"), NULL, 10);
  return call;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: replay <script> <host's namespace> <container's namespace> <number>\n");
    return 2;
  }
  FILE *file = fopen(argv[1], "r");
  const int host = open(argv[2], O_RDONLY | O_CLOEXEC), opened = open(argv[3], O_RDONLY | O_CLOEXEC);
  if (file == NULL || host < 0 || opened < 0) fail("open");
  const int container = atoi(argv[4]);
  if (dup2(opened, container) < 0) fail("dup2");
  char *line = malloc(MAX_LINE);
  while (fgets(line, MAX_LINE, file) != NULL) {
    if (count == MAX_CALLS) errx(1, "more than %d calls", MAX_CALLS);
    calls[count++] = parse(line, host, container);
  }

  uint64_t began = 0;
  for (size_t i = 0; i < count; i++) {
    run(&calls[i]);
    if (calls[i].kind == BEGIN) began = nanoseconds();
  }
  const uint64_t sample = nanoseconds() - began;
  print_samples(&sample, 1);
  return 0;
}
