#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "file_descriptor.h"
#include "receive_buffer.h"

// Sends the bytes of one request, and thereby runs it in the kernel. Returns 0 or an errno.
inline int SendRequest(int fd, const uint8_t* data, size_t length) {
  iovec bytes{const_cast<uint8_t*>(data), length};
  msghdr message{nullptr, 0, &bytes, 1, nullptr, 0, 0};
  return sendmsg(fd, &message, 0) < 0 ? errno : 0;
}

// The thread that does the input and output of one netlink socket. The kernel runs a request inside sendmsg,
// where it can wait for the RTNL lock for seconds: that must happen neither on the event loop nor in libuv's
// thread pool.
class IoThread {
 public:
  // What one turn did: it sent at most one request, and read what there was.
  struct Turn {
    uint32_t token = 0;  // of the request, 0 for none
    int send_error = 0;
    int receive_error = 0;
    bool truncated = false;
    bool more = false;  // there may be more to read already
    std::vector<uint8_t> chunk;
  };

  // `report` is called on the thread. A chunk counts as unread until Consumed().
  IoThread(FileDescriptor socket, FileDescriptor wake, std::function<void(Turn)> report)
      : socket_(std::move(socket)), wake_(std::move(wake)), report_(std::move(report)) {}

  void Send(std::vector<uint8_t> bytes, uint32_t token) {
    std::lock_guard lock(mutex_);
    requests_.push_back({std::move(bytes), token});
    Wake();
  }

  void SetPaused(bool paused) {
    std::lock_guard lock(mutex_);
    paused_ = paused;
    Wake();
  }

  void Consumed(size_t bytes) {
    std::lock_guard lock(mutex_);
    unread_ -= bytes;
    if (!full_ || unread_ > kMaxUnread / 2) return;
    full_ = false;
    Wake();
  }

  // The thread closes the socket and ends, if need be when it comes back from the kernel.
  void Stop() {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    Wake();
  }

  // The body of the thread.
  void Run() {
    while (auto turn = NextTurn()) report_(std::move(*turn));
    socket_.Close();
    wake_.Close();
  }

 private:
  struct Request {
    std::vector<uint8_t> bytes;
    uint32_t token;
  };

  static constexpr size_t kMaxUnread = 8 * 1024 * 1024;

  std::optional<Turn> NextTurn() {
    for (;;) {
      std::unique_lock lock(mutex_);
      if (stopping_) return std::nullopt;
      const bool reading = !paused_ && !full_;
      Turn turn;
      // An overrun lasts until the queue is empty: till then the kernel would drop the replies without a word.
      const bool behind = behind_ && reading;
      sleeping_ = !behind && (requests_.empty() || full_);
      if (sleeping_) {
        lock.unlock();
        if (!Sleep(reading)) continue;
      } else if (!behind) {
        Request request = std::move(requests_.front());
        requests_.pop_front();
        lock.unlock();
        turn.token = request.token;
        turn.send_error = SendRequest(socket_.number(), request.bytes.data(), request.bytes.size());
      }
      if (lock.owns_lock()) lock.unlock();
      if (reading) ReadInto(&turn);
      return turn;
    }
  }

  // Waits until there is something to read, or for Wake(). Returns whether to read.
  bool Sleep(bool reading) {
    // When not reading, the socket must be left out: its pending error would end every poll at once.
    pollfd watched[] = {{wake_.number(), POLLIN, 0}, {socket_.number(), POLLIN, 0}};
    poll(watched, reading ? 2 : 1, -1);
    eventfd_t count;
    if (watched[0].revents) eventfd_read(wake_.number(), &count);
    return watched[1].revents;
  }

  void Wake() {
    if (std::exchange(sleeping_, false)) eventfd_write(wake_.number(), 1);
  }

  void ReadInto(Turn* turn) {
    auto content = buffer_.Read(socket_.number());
    turn->chunk.assign(content.data, content.data + content.length);
    turn->truncated = content.truncated;
    turn->more = behind_ = content.more || content.error == ENOBUFS;
    // What is still queued is older than what was dropped: the overrun is told of behind it.
    overrun_ |= content.error == ENOBUFS;
    turn->receive_error = content.error == ENOBUFS ? 0 : content.error;
    if (!behind_ && std::exchange(overrun_, false)) turn->receive_error = ENOBUFS;
    std::lock_guard lock(mutex_);
    unread_ += content.length;
    full_ = unread_ >= kMaxUnread;
    // After an overrun reading goes on; any other error would come back for ever.
    if (content.error && content.error != ENOBUFS) paused_ = true;
  }

  FileDescriptor socket_;
  FileDescriptor wake_;  // an eventfd
  const std::function<void(Turn)> report_;
  ReceiveBuffer buffer_;
  bool behind_ = false;   // reading ended before the queue was empty
  bool overrun_ = false;  // the kernel has dropped messages since it was last told of

  std::mutex mutex_;  // for what follows
  std::deque<Request> requests_;
  size_t unread_ = 0;
  bool full_ = false;  // so much is unread that reading stops, and sending too: there is no room for replies
  bool paused_ = false;
  bool sleeping_ = false;
  bool stopping_ = false;
};
