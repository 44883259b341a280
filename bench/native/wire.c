// What the wire's other end does: frames to a host, from a packet socket on a device of this network namespace.
//
//     wire cost <device> <rounds> <frames per burst> <port> ...    CPU time per packet to each port, bursts in rotation;
//                                                                  `6/<port>`: by IPv6
//     wire answers <device>                                        how many answers one ARP request and one ping get
//
// A veth hands a frame over inline: the sender's CPU time holds the whole way to the receiving stack. The packets have a
// wrong IP checksum, so that every receiver drops them at the same place, right after the filters; IPv6 has none, and says
// that it is longer than the frame.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const uint8_t host_mac[6] = {2, 0, 10, 9, 0, 2}, own_mac[6] = {2, 0, 10, 9, 0, 1};
static const uint8_t host_ip[4] = {10, 9, 0, 2}, own_ip[4] = {10, 9, 0, 1};

static const uint8_t host_ip6[16] = {0x20, 1, 0xd, 0xb8, 0, 9, [15] = 2}, own_ip6[16] = {0x20, 1, 0xd, 0xb8, 0, 9, [15] = 1};

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int open_socket(const char *device) {
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
  if (fd < 0) fail("socket");
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(device)};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) fail(device);
  return fd;
}

static uint64_t cpu_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static size_t ethernet(uint8_t *frame, uint16_t type) {
  memcpy(frame, host_mac, 6);
  memcpy(frame + 6, own_mac, 6);
  frame[12] = type >> 8, frame[13] = type & 0xff;
  return 14;
}

static uint16_t checksum(const uint8_t *bytes, size_t length) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < length; i += 2) sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

// An IPv4 packet with a payload of `length` zero bytes behind its header; the checksum is right, or off by one.
static size_t ipv4(uint8_t *frame, uint8_t protocol, size_t length, int wrong) {
  size_t at = ethernet(frame, ETH_P_IP);
  uint8_t *ip = frame + at;
  memset(ip, 0, 20 + length);
  ip[0] = 0x45, ip[2] = (uint8_t)((20 + length) >> 8), ip[3] = (uint8_t)(20 + length), ip[8] = 64, ip[9] = protocol;
  memcpy(ip + 12, own_ip, 4);
  memcpy(ip + 16, host_ip, 4);
  uint16_t sum = (uint16_t)(checksum(ip, 20) + (wrong ? 1 : 0));
  ip[10] = sum >> 8, ip[11] = sum & 0xff;
  return at + 20;
}

// An IPv6 header before `length` zero bytes that says that there are more.
static size_t truncated_ipv6(uint8_t *frame, uint8_t protocol, size_t length) {
  size_t at = ethernet(frame, ETH_P_IPV6);
  uint8_t *ip = frame + at;
  memset(ip, 0, 40 + length);
  ip[0] = 0x60, ip[4] = 4, ip[6] = protocol, ip[7] = 64;
  memcpy(ip + 8, own_ip6, 16);
  memcpy(ip + 24, host_ip6, 16);
  return at + 40;
}

static double burst(int fd, const char *to, int frames) {
  const int is_ipv6 = strncmp(to, "6/", 2) == 0;
  const uint16_t port = (uint16_t)atoi(is_ipv6 ? to + 2 : to);
  uint8_t frame[128];
  size_t at = is_ipv6 ? truncated_ipv6(frame, 17, 26) : ipv4(frame, 17, 26, 1);
  frame[at] = 0x12, frame[at + 1] = 0x34, frame[at + 2] = port >> 8, frame[at + 3] = port & 0xff, frame[at + 5] = 26;
  const uint64_t began = cpu_nanoseconds();
  for (int i = 0; i < frames; i++)
    if (send(fd, frame, at + 26, 0) < 0) fail("send");
  return (double)(cpu_nanoseconds() - began) / frames;
}

static void cost(int fd, int rounds, int frames, char **ports, int count) {
  double *samples = calloc((size_t)(rounds * count), sizeof *samples);
  for (int i = 0; i < count; i++) burst(fd, ports[i], frames);
  for (int round = 0; round < rounds; round++)
    for (int i = 0; i < count; i++) {
      int which = (i + round) % count;
      samples[which * rounds + round] = burst(fd, ports[which], frames);
    }
  printf("[");
  for (int i = 0; i < rounds * count; i++) printf("%s%.1f", i ? "," : "", samples[i]);
  printf("]\n");
  free(samples);
}

// Frames that arrive within half a second and that `is_answer` knows.
static int answers(int fd, int (*is_answer)(const uint8_t *, ssize_t)) {
  int count = 0;
  struct pollfd watched = {fd, POLLIN, 0};
  while (poll(&watched, 1, 500) > 0) {
    uint8_t frame[2048];
    struct sockaddr_ll from;
    socklen_t size = sizeof from;
    ssize_t length = recvfrom(fd, frame, sizeof frame, 0, (struct sockaddr *)&from, &size);
    if (length > 0 && from.sll_pkttype != PACKET_OUTGOING) count += is_answer(frame, length);
  }
  return count;
}

static int is_arp_reply(const uint8_t *frame, ssize_t length) {
  return length >= 42 && frame[12] == 8 && frame[13] == 6 && frame[21] == 2 && memcmp(frame + 28, host_ip, 4) == 0;
}

static int is_echo_reply(const uint8_t *frame, ssize_t length) {
  return length >= 42 && frame[12] == 8 && frame[13] == 0 && frame[23] == 1 && frame[34] == 0;
}

static void count_answers(int fd) {
  uint8_t frame[128] = {0};
  ethernet(frame, ETH_P_ARP);
  memset(frame, 0xff, 6);
  static const uint8_t request[8] = {0, 1, 8, 0, 6, 4, 0, 1};
  memcpy(frame + 14, request, 8);
  memcpy(frame + 22, own_mac, 6);
  memcpy(frame + 28, own_ip, 4);
  memcpy(frame + 38, host_ip, 4);
  if (send(fd, frame, 42, 0) < 0) fail("send");
  int arp = answers(fd, is_arp_reply);

  size_t at = ipv4(frame, 1, 40, 0);
  frame[at] = 8, frame[at + 5] = 1;
  uint16_t sum = checksum(frame + at, 40);
  frame[at + 2] = sum >> 8, frame[at + 3] = sum & 0xff;
  if (send(fd, frame, at + 40, 0) < 0) fail("send");
  printf("[%d,%d]\n", arp, answers(fd, is_echo_reply));
}

int main(int argc, char **argv) {
  if (argc >= 6 && strcmp(argv[1], "cost") == 0)
    cost(open_socket(argv[2]), atoi(argv[3]), atoi(argv[4]), argv + 5, argc - 5);
  else if (argc == 3 && strcmp(argv[1], "answers") == 0)
    count_answers(open_socket(argv[2]));
  else
    return fprintf(stderr, "usage: wire cost <device> <rounds> <frames> <port> ... | wire answers <device>\n"), 2;
  return 0;
}
