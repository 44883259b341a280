// The filters by libnl, one by one: each is built as an object, encoded, sent and acknowledged.
//
//     libnl <ifindex> <ifindex to redirect to> <destination address> <first port> <tables> <filters per table>
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/netlink.h>
#include <netlink/route/act/mirred.h>
#include <netlink/route/action.h>
#include <netlink/route/classifier.h>
#include <netlink/route/cls/u32.h>
#include <netlink/route/tc.h>

#include "samples.h"

// Offsets from the IP header, which is taken to be 20 bytes long, as tc does.
#define IP_DESTINATION 16
#define L4_PORTS 20

static void check(int error, const char *what) {
  if (error >= 0) return;
  fprintf(stderr, "%s: %s\n", what, nl_geterror(error));
  exit(1);
}

static struct rtnl_act *redirect_to(int ifindex) {
  struct rtnl_act *action = rtnl_act_alloc();
  check(rtnl_tc_set_kind(TC_CAST(action), "mirred"), "rtnl_tc_set_kind");
  check(rtnl_mirred_set_action(action, TCA_EGRESS_REDIR), "rtnl_mirred_set_action");
  check(rtnl_mirred_set_policy(action, TC_ACT_STOLEN), "rtnl_mirred_set_policy");
  check(rtnl_mirred_set_ifindex(action, ifindex), "rtnl_mirred_set_ifindex");
  return action;
}

struct filter {
  int ifindex, target, priority, node, port;
  in_addr_t address;
};

static void add_filter(struct nl_sock *sock, const struct filter *spec) {
  struct rtnl_cls *filter = rtnl_cls_alloc();
  rtnl_tc_set_ifindex(TC_CAST(filter), spec->ifindex);
  rtnl_tc_set_parent(TC_CAST(filter), TC_H_MAKE(TC_H_INGRESS, 0));
  rtnl_tc_set_handle(TC_CAST(filter), spec->node);
  rtnl_cls_set_prio(filter, spec->priority);
  rtnl_cls_set_protocol(filter, ETH_P_IP);
  check(rtnl_tc_set_kind(TC_CAST(filter), "u32"), "rtnl_tc_set_kind");
  check(rtnl_u32_add_key(filter, spec->address, 0xffffffff, IP_DESTINATION, 0), "rtnl_u32_add_key");
  check(rtnl_u32_add_key(filter, htonl(spec->port), htonl(0xffff), L4_PORTS, 0), "rtnl_u32_add_key");
  check(rtnl_u32_set_cls_terminal(filter), "rtnl_u32_set_cls_terminal");
  check(rtnl_u32_add_action(filter, redirect_to(spec->target)), "rtnl_u32_add_action");
  check(rtnl_cls_add(sock, filter, NLM_F_CREATE | NLM_F_EXCL), "rtnl_cls_add");
  rtnl_cls_put(filter);
}

int main(int argc, char **argv) {
  if (argc != 7) {
    fprintf(stderr, "usage: libnl <ifindex> <ifindex to redirect to> <address> <first port> <tables> <per table>\n");
    return 2;
  }
  const int first_port = atoi(argv[4]), per_table = atoi(argv[6]), count = atoi(argv[5]) * per_table;
  struct filter filter = {.ifindex = atoi(argv[1]), .target = atoi(argv[2]), .address = inet_addr(argv[3])};
  uint64_t *samples = new_samples(count);
  struct nl_sock *sock = nl_socket_alloc();
  check(nl_connect(sock, NETLINK_ROUTE), "nl_connect");

  for (int i = 0; i < count; i++) {
    filter.priority = i / per_table + 1;
    filter.node = i % per_table + 1;
    filter.port = first_port + i;
    const uint64_t began = nanoseconds();
    add_filter(sock, &filter);
    samples[i] = nanoseconds() - began;
  }

  print_samples(samples, count);
  nl_socket_free(sock);
  return 0;
}
