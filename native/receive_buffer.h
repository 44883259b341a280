#pragma once

#include <cstddef>
#include <cstdint>

// Where datagrams of a netlink socket arrive. One large mapping, of which only what is touched takes memory.
class ReceiveBuffer {
 public:
  struct Content {
    const uint8_t* data = nullptr;
    size_t length = 0;
    int error = 0;           // errno of the recvmsg that ended reading, unless the queue was just empty
    bool truncated = false;  // a datagram too large for the buffer was dropped
    bool more = false;       // reading ended because the buffer was full
  };

  ReceiveBuffer() = default;
  ReceiveBuffer(const ReceiveBuffer&) = delete;
  ReceiveBuffer& operator=(const ReceiveBuffer&) = delete;
  ~ReceiveBuffer();

  // Reads all that is queued, without waiting: datagrams of the kernel one after another, each padded to 4 bytes.
  // The content is valid until the next call.
  Content Read(int fd);

 private:
  bool Map();

  uint8_t* memory_ = nullptr;
  size_t used_ = 0;
};
