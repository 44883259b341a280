// The floor: nothing but the system calls. Sends messages that were encoded beforehand, waits for the acknowledgement.
//
//     floor <file of netlink messages> <messages per sendmsg> [thread]
//
// Each sendmsg asks for one acknowledgement, that of its last message; a sample is one sendmsg and one recv. With
// `thread`, another thread makes the calls, as where an event loop must not wait: a sample begins before it is woken and
// ends when the first thread has been woken again.
#include <linux/netlink.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "samples.h"

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int open_socket(void) {
  const int on = 1;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) fail("socket");
  if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on) < 0) fail("NETLINK_EXT_ACK");
  if (setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on) < 0) fail("NETLINK_CAP_ACK");
  return fd;
}

static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail(path);
  fseek(file, 0, SEEK_END);
  *length = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(*length);
  if (bytes == NULL || fread(bytes, 1, *length, file) != *length) fail(path);
  fclose(file);
  return bytes;
}

// Asks for the acknowledgement of the last of `count` messages, and returns the position behind it.
static size_t mark_batch(char *bytes, size_t at, size_t length, size_t count) {
  struct nlmsghdr *header = NULL;
  for (size_t i = 0; i < count && at < length; i++) {
    header = (struct nlmsghdr *)(bytes + at);
    at += NLMSG_ALIGN(header->nlmsg_len);
  }
  header->nlmsg_flags |= NLM_F_ACK;
  return at;
}

static void exchange(int fd, void *bytes, size_t length) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  struct iovec part = {bytes, length};
  struct msghdr message = {.msg_name = &kernel, .msg_namelen = sizeof kernel, .msg_iov = &part, .msg_iovlen = 1};
  char answer[32768] __attribute__((aligned(NLMSG_ALIGNTO)));

  if (sendmsg(fd, &message, 0) < 0) fail("sendmsg");
  ssize_t received = recv(fd, answer, sizeof answer, 0);
  if (received < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr))) fail("recv");

  const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
  const struct nlmsgerr *error = NLMSG_DATA(header);
  if (header->nlmsg_type != NLMSG_ERROR || error->error != 0) {
    fprintf(stderr, "message %u was refused: %s\n", header->nlmsg_seq, strerror(-error->error));
    exit(1);
  }
}

struct job {
  int fd, asked, done; // the socket, and an eventfd for each direction
  void *bytes;
  size_t length;
};

static void *run_jobs(void *data) {
  struct job *job = data;
  eventfd_t count;
  while (eventfd_read(job->asked, &count) == 0) {
    exchange(job->fd, job->bytes, job->length);
    if (eventfd_write(job->done, 1) < 0) fail("eventfd");
  }
  return NULL;
}

static void exchange_by_thread(struct job *job, void *bytes, size_t length) {
  eventfd_t count;
  job->bytes = bytes;
  job->length = length;
  if (eventfd_write(job->asked, 1) < 0 || eventfd_read(job->done, &count) < 0) fail("eventfd");
}

int main(int argc, char **argv) {
  const int by_thread = argc == 4 && strcmp(argv[3], "thread") == 0;
  if (argc != 3 && !by_thread) {
    fprintf(stderr, "usage: floor <file of netlink messages> <messages per sendmsg> [thread]\n");
    return 2;
  }
  size_t length;
  char *bytes = read_file(argv[1], &length);
  const size_t per_send = strtoul(argv[2], NULL, 10);
  uint64_t *samples = new_samples(length / NLMSG_HDRLEN);
  size_t count = 0;
  int fd = open_socket();
  struct job job = {.fd = fd, .asked = eventfd(0, EFD_CLOEXEC), .done = eventfd(0, EFD_CLOEXEC)};
  pthread_t thread;
  if (by_thread && pthread_create(&thread, NULL, run_jobs, &job) != 0) fail("pthread_create");

  for (size_t at = 0, end; at < length; at = end) {
    end = mark_batch(bytes, at, length, per_send);
    const uint64_t began = nanoseconds();
    if (by_thread) exchange_by_thread(&job, bytes + at, end - at);
    else exchange(fd, bytes + at, end - at);
    samples[count++] = nanoseconds() - began;
  }

  print_samples(samples, count);
  close(fd);
  return 0;
}
