/* Test-only: raw frames and raw IP packets in and out of network namespaces, for Node.js, which has no AF_PACKET.
 *
 * Requests come in on stdin, replies and captured frames go out on stdout; each is a u32 length and that many bytes.
 * All numbers are little-endian, as the machines this runs on; one reply per request, in order.
 *
 *   request   u8 operation, body                          reply     u8 REPLY, i32 errno (0: done), body
 *     OPEN    u8 kind, u8 flags, u16 protocol,                        u32 socket
 *             netns path NUL, device NUL
 *     SEND    u32 socket, { u32 length, bytes }...                    u32 number sent
 *     CLOSE   u32 socket
 *     SWEEP   u32 sender, u16 port offset, u16 burst,                 u16 location per port, in the order asked,
 *             u32 quiet ms, u32 number of ports, u16 ports...,        then { u16 port, u16 location } per surplus arrival
 *             u32 number of receivers, { u32 socket, u16 location }...,
 *             template frame
 *     FLUSH
 *   captured frame   u8 CAPTURED, u8 packet type, i32 VLAN TCI or -1, u32 socket, bytes
 *
 * What a streaming socket received before a reply is written before that reply. End of stdin ends the process. */
#ifndef FRAMES_H
#define FRAMES_H
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { OPEN = 1, SEND, CLOSE, SWEEP, FLUSH };                  /* operations */
enum { REPLY = 1, CAPTURED };                                  /* what goes out */
enum { PACKET, RAW_IPV4, RAW_IPV6 };                           /* kinds of socket; the last one only captures */
enum { OUTGOING = 1, COUNTED = 2, VNET_HEADER = 4 };           /* flags of OPEN */

/* A swept frame ends in MAGIC, the number of its sweep, and its port, each a big-endian u32. */
enum { MAGIC = 0x72746e6c, TRAILER = 12 };

enum { MAX_SOCKETS = 4096, BATCH = 64 };

/* A cursor over a request. Reading past its end ends the process: only our own TypeScript speaks to it. */
struct cursor { const uint8_t *at, *end; };

/* protocol.c */
void die(const char *what);
int read_full(void *to, size_t length);                        /* 0 at the end of stdin */
void write_full(const void *from, size_t length);
const void *take(struct cursor *c, size_t length);
uint8_t take_u8(struct cursor *c);
uint16_t take_u16(struct cursor *c);
uint32_t take_u32(struct cursor *c);
const char *take_string(struct cursor *c);
void reply(int error, const void *body, uint32_t length);

/* sockets.c */
void remember_home(void);                                      /* before the first do_open() */
int is_open(uint32_t fd);
int streams(int fd);                                           /* its frames go out as they come in */
void stream(int fd);
void stream_all(void);
unsigned send_all(int fd, struct mmsghdr *messages, unsigned count);
void do_open(struct cursor *c);
void do_send(struct cursor *c);
void do_close(struct cursor *c);

/* sweep.c */
void do_sweep(struct cursor *c);
#endif
