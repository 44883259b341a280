/* Bytes in and out: frames.h has the format. */
#define _GNU_SOURCE
#include "frames.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void die(const char *what) {
  perror(what);
  exit(1);
}

int read_full(void *to, size_t length) {
  for (char *at = to; length > 0;) {
    ssize_t n = read(STDIN_FILENO, at, length);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return 0;
    at += n;
    length -= n;
  }
  return 1;
}

void write_full(const void *from, size_t length) {
  for (const char *at = from; length > 0;) {
    ssize_t n = write(STDOUT_FILENO, at, length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) exit(0);                                        /* nobody reads any more */
    at += n;
    length -= n;
  }
}

const void *take(struct cursor *c, size_t length) {
  if ((size_t)(c->end - c->at) < length) {
    fprintf(stderr, "frames: request too short\n");
    exit(1);
  }
  c->at += length;
  return c->at - length;
}
uint8_t take_u8(struct cursor *c) { return *(const uint8_t *)take(c, 1); }
uint16_t take_u16(struct cursor *c) { uint16_t v; memcpy(&v, take(c, 2), 2); return v; }
uint32_t take_u32(struct cursor *c) { uint32_t v; memcpy(&v, take(c, 4), 4); return v; }
const char *take_string(struct cursor *c) {
  const uint8_t *nul = memchr(c->at, 0, c->end - c->at);
  return take(c, nul ? (size_t)(nul - c->at) + 1 : SIZE_MAX);
}

void reply(int error, const void *body, uint32_t length) {
  struct __attribute__((packed)) { uint32_t length; uint8_t type; int32_t error; } head = { 5 + length, REPLY, error };
  stream_all();
  write_full(&head, sizeof head);
  write_full(body, length);
}
