#include "receive_buffer.h"

#include <linux/netlink.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace {

// Reading stops here, to hand over what there is.
constexpr size_t kFull = 1024 * 1024;
// Beyond that, room for one more datagram. Parts of a dump are at most 32 KiB (netlink_recvmsg in
// net/netlink/af_netlink.c); a reply about one object can be larger, each attribute of it up to 64 KiB.
constexpr size_t kRoom = 256 * 1024;
// What stays resident between uses.
constexpr size_t kKept = 64 * 1024;

}  // namespace

ReceiveBuffer::~ReceiveBuffer() {
  if (memory_) munmap(memory_, kFull + kRoom);
}

bool ReceiveBuffer::Map() {
  if (memory_) {
    if (used_ > kKept) madvise(memory_ + kKept, kFull + kRoom - kKept, MADV_DONTNEED);
    return true;
  }
  void* memory =
      mmap(nullptr, kFull + kRoom, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory != MAP_FAILED) memory_ = static_cast<uint8_t*>(memory);
  return memory_ != nullptr;
}

ReceiveBuffer::Content ReceiveBuffer::Read(int fd) {
  Content content;
  if (!Map()) {
    content.error = ENOMEM;
    return content;
  }
  content.data = memory_;
  while (content.length < kFull) {
    sockaddr_nl sender{};
    iovec room{memory_ + content.length, kFull + kRoom - content.length};
    msghdr message{};
    message.msg_name = &sender;
    message.msg_namelen = sizeof sender;
    message.msg_iov = &room;
    message.msg_iovlen = 1;
    ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT);
    if (length < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) content.error = errno;
      break;
    }
    if (sender.nl_pid != 0) continue;
    if (message.msg_flags & MSG_TRUNC) {
      content.truncated = true;
      continue;
    }
    size_t padding = NLMSG_ALIGN(length) - length;
    memset(memory_ + content.length + length, 0, padding);
    content.length += length + padding;
  }
  content.more = content.length >= kFull;
  used_ = content.length;
  return content;
}
