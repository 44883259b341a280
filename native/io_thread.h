#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "file_descriptor.h"
#include "receive_buffer.h"

// Sends the whole of one request, in which the kernel runs it. Returns 0 or an errno.
int SendRequest(int fd, const uint8_t* data, size_t length);

// The thread that does the input and output of one netlink socket. The kernel runs a request inside sendmsg, where it
// can wait for seconds for the RTNL lock: that must not happen on the event loop or in libuv's thread pool.
class IoThread : public std::enable_shared_from_this<IoThread> {
 public:
  // What one turn has done: sent at most one request, and read what there was.
  struct Turn {
    uint32_t token = 0;  // of the request, 0 for none
    int send_error = 0;
    int receive_error = 0;
    bool truncated = false;
    bool more = false;  // there may be more to read at once
    std::vector<uint8_t> chunk;
  };
  using Report = std::function<void(Turn)>;

  // `report` is called on the thread.
  IoThread(FileDescriptor socket, FileDescriptor wake, Report report);

  // The owner's side. A reported chunk counts as unread until Consumed().
  void Send(std::vector<uint8_t> bytes, uint32_t token);
  void SetPaused(bool paused);
  void Consumed(size_t bytes);
  // The thread closes the socket, once it comes back from the kernel, and then calls `ended`.
  void Stop(std::function<void()> ended);

  // The thread's body.
  void Run();

 private:
  struct Request {
    std::vector<uint8_t> bytes;
    uint32_t token;
  };

  void Wake();
  bool Sleep(bool reading);
  void ReadInto(Turn* turn);

  FileDescriptor socket_;
  FileDescriptor wake_;  // an eventfd
  const Report report_;
  ReceiveBuffer buffer_;

  std::mutex mutex_;  // for all below
  std::deque<Request> requests_;
  size_t unread_ = 0;
  bool sleeping_ = false;
  bool paused_ = false;
  bool full_ = false;  // too much is unread
  bool stopping_ = false;
  std::function<void()> ended_;
};
