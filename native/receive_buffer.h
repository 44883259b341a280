#pragma once

#include <linux/netlink.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

// Where the datagrams of a netlink socket arrive: a large mapping, of which only what is touched takes
// memory.
class ReceiveBuffer {
 public:
  struct Content {
    const uint8_t* data = nullptr;
    size_t length = 0;
    int error = 0;           // errno of the recvmsg that ended reading; 0 if nothing was left, or no room
    bool truncated = false;  // a datagram larger than the room was dropped
    bool more = false;       // reading ended because the buffer was full
  };

  ReceiveBuffer() = default;
  ReceiveBuffer(const ReceiveBuffer&) = delete;
  ~ReceiveBuffer() {
    if (memory_) munmap(memory_, kSize);
  }

  // Reads all that is queued, without waiting: the kernel's datagrams one after another, each padded to 4
  // bytes. The content is valid until the next call.
  Content Read(int fd) {
    Content content;
    if (!Prepare()) content.error = ENOMEM;
    while (!content.error && content.length < kFull) {
      sockaddr_nl sender{};
      iovec room{memory_ + content.length, kSize - content.length};
      msghdr message{&sender, sizeof sender, &room, 1, nullptr, 0, 0};
      ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT);
      if (length < 0 && errno == EINTR) continue;
      if (length < 0 && errno == EAGAIN) break;
      if (length < 0) {
        content.error = errno;
      } else if (sender.nl_pid == 0 && message.msg_flags & MSG_TRUNC) {
        content.truncated = true;
      } else if (sender.nl_pid == 0) {
        memset(memory_ + content.length + length, 0, NLMSG_ALIGN(length) - length);
        content.length += NLMSG_ALIGN(length);
      }
    }
    content.data = memory_;
    content.more = content.length >= kFull;
    used_ = content.length;
    return content;
  }

 private:
  // Reading stops at kFull, to hand over what there is. Beyond it is room for a last datagram: a part of a
  // dump is at most 32 KiB (netlink_recvmsg in net/netlink/af_netlink.c), but a reply about one object can be
  // larger.
  static constexpr size_t kFull = 1024 * 1024;
  static constexpr size_t kSize = kFull + 256 * 1024;
  static constexpr size_t kKept = 64 * 1024;  // resident between uses

  bool Prepare() {
    if (!memory_) {
      constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
      void* memory = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, kFlags, -1, 0);
      if (memory != MAP_FAILED) memory_ = static_cast<uint8_t*>(memory);
    } else if (used_ > kKept) {
      madvise(memory_ + kKept, kSize - kKept, MADV_DONTNEED);
    }
    return memory_;
  }

  uint8_t* memory_ = nullptr;
  size_t used_ = 0;
};
