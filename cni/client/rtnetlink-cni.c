/*
 * rtnetlink-cni, the program that a container runtime starts as CNI plug-in: hands the call to rtnetlinkd and prints its
 * answer. VERSION and a call without CNI_COMMAND are answered here. Without a daemon the same plug-in runs in node.
 *
 * To the daemon: NAME=value NUL for each variable CNI_*, one NUL more, then standard input up to the end. From the
 * daemon: the exit status, "0" or "1", a line feed, what to print, one NUL. Without that NUL the answer is not whole.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Codes of the CNI specification, section "Error". */
enum { INVALID_ENVIRONMENT = 4, IO_FAILURE = 5, DECODING_FAILURE = 6, TRY_AGAIN_LATER = 11 };
enum { MAX_CONFIGURATION = 1 << 20 };
static struct buffer { char *bytes; size_t length, room; } input, answer;

/* The version that the configuration names, or the newest. Runtimes write it before prevResult, which has one too. */
static const char *cni_version(void) {
  static char found[32];
  const char *key = input.bytes ? strstr(input.bytes, "\"cniVersion\"") : NULL;
  return key && sscanf(key, "\"cniVersion\" : \"%31[0-9A-Za-z.+-]", found) == 1 ? found : "1.1.0";
}

/* Prints a CNI error and ends. */
__attribute__((noreturn, format(printf, 2, 3))) static void fail(int code, const char *format, ...) {
  char message[2 * PATH_MAX];
  va_list values;
  va_start(values, format);
  vsnprintf(message, sizeof message, format, values);
  va_end(values);
  printf("{\"cniVersion\":\"%s\",\"code\":%d,\"msg\":\"", cni_version(), code);
  for (const char *c = message; *c; c++)
    printf((unsigned char)*c < ' ' ? "\\u%04x" : *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
  puts("\"}");
  exit(1);
}

/* Reads one piece, with a NUL after it. 0 at the end, -1 for an error. */
static ssize_t read_piece(int fd, struct buffer *to) {
  if (to->room - to->length < 65536 && !(to->bytes = realloc(to->bytes, to->room += 1 << 18)))
    fail(IO_FAILURE, "rtnetlink-cni: no memory");
  ssize_t length;
  do length = read(fd, to->bytes + to->length, to->room - to->length - 1);
  while (length < 0 && errno == EINTR);
  if (length > 0) to->length += length;
  to->bytes[to->length] = 0;
  return length;
}

static void read_input(void) {
  ssize_t length;
  while ((length = read_piece(STDIN_FILENO, &input)) > 0)
    if (input.length > MAX_CONFIGURATION) fail(DECODING_FAILURE, "the network configuration has more than 1 MiB");
  if (length < 0) fail(IO_FAILURE, "reading the network configuration: %s", strerror(errno));
}

/* Becomes the plug-in in node, which reads the standard input that nobody has read yet. */
__attribute__((noreturn)) static void run_in_node(const char *socket_path) {
  char own[PATH_MAX] = "", beside[PATH_MAX + 32];
  if (readlink("/proc/self/exe", own, sizeof own - 1) < 0)
    fail(IO_FAILURE, "/proc/self/exe: %s", strerror(errno));
  *strrchr(own, '/') = 0;
  snprintf(beside, sizeof beside, "%s/../../lib/rtnetlink-cni.js", own);
  char *plugin = getenv("RTNETLINK_CNI_PLUGIN") ? getenv("RTNETLINK_CNI_PLUGIN") : beside;
  if (access(plugin, R_OK))
    fail(TRY_AGAIN_LATER, "rtnetlinkd does not listen at %s, and %s: %s. Start rtnetlinkd, or make this program a"
      " symbolic link to the one in the package rtnetlink-cni", socket_path, plugin, strerror(errno));
  execvp("node", (char *[]){"node", plugin, NULL});
  fail(IO_FAILURE, "rtnetlinkd does not listen at %s, and node cannot be run: %s", socket_path, strerror(errno));
}

/* Without a daemon it does not return. */
static int connect_daemon(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) fail(INVALID_ENVIRONMENT, "RTNETLINK_CNI_SOCKET: %s is too long", path);
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(IO_FAILURE, "socket: %s", strerror(errno));
  while (connect(fd, (struct sockaddr *)&address, sizeof address)) {
    if (errno == ENOENT || errno == ECONNREFUSED) run_in_node(path);
    if (errno != EINTR) fail(IO_FAILURE, "%s: %s", path, strerror(errno));
  }
  return fd;
}

/* False if the daemon does not read on: it may have answered. */
static int send_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return 0;
    bytes += sent, length -= sent;
  }
  return 1;
}

static int send_text(int fd, const char *text) { return send_all(fd, text, strlen(text) + 1); }

/* The namespace by a descriptor of this process too: the daemon may be in a mount namespace where its name is not. */
static int send_namespace(int fd) {
  const char *path = getenv("CNI_NETNS");
  char variable[64];
  int netns = path ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
  if (netns < 0) return 1;
  snprintf(variable, sizeof variable, "RTNETLINK_NETNS=/proc/%d/fd/%d", getpid(), netns);
  return send_text(fd, variable);
}

static int call_daemon(int fd) {
  int sent = 1;
  for (char **variable = environ; *variable && sent; variable++)
    if (!strncmp(*variable, "CNI_", 4)) sent = send_text(fd, *variable);
  if (sent && send_namespace(fd) && send_text(fd, "") && send_all(fd, input.bytes, input.length))
    shutdown(fd, SHUT_WR);
  while (read_piece(fd, &answer) > 0);
  char *text = answer.bytes;
  if (answer.length < 3 || (*text != '0' && *text != '1') || text[1] != '\n' || text[answer.length - 1])
    fail(TRY_AGAIN_LATER, "rtnetlinkd ended during this call: call again");
  fputs(text + 2, stdout);
  if (fflush(stdout)) return 1;
  return *text - '0';
}

int main(void) {
  const char *command = getenv("CNI_COMMAND"), *path = getenv("RTNETLINK_CNI_SOCKET");
  if (!command || !*command)
    return fputs("CNI rtnetlink-cni plugin v" PACKAGE_VERSION "\n"
                 "CNI protocol versions supported: 0.4.0, 1.0.0, 1.1.0\n", stderr) < 0;
  if (!strcmp(command, "VERSION")) {
    read_input();
    const char *supported = "\"0.4.0\",\"1.0.0\",\"1.1.0\"";
    printf("{\"cniVersion\":\"%s\",\"supportedVersions\":[%s]}\n", cni_version(), supported);
    return fflush(stdout) != 0;
  }
  if (!path || !*path) path = "/run/rtnetlink/cni.sock";
  int daemon = connect_daemon(path);
  read_input();
  return call_daemon(daemon);
}
