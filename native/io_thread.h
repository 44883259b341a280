#pragma once

#include <linux/netlink.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cstring>
#include <deque>
#include <mutex>
#include <optional>

#include "system.h"

// Room for one datagram. A part of a dump is at most 32 KiB (netlink_recvmsg in net/netlink/af_netlink.c), but a
// reply about one object can be larger.
constexpr size_t kDatagramSize = 256 * 1024;

// One datagram of the kernel, without waiting, into `room`, padded to 4 bytes. Returns its padded length or an errno,
// negative: EAGAIN if nothing is left, EMSGSIZE for a datagram larger than the room, which is lost.
inline ssize_t ReceiveDatagram(int fd, uint8_t* room) {
  for (;;) {
    sockaddr_nl sender{};
    socklen_t size = sizeof sender;
    auto address = reinterpret_cast<sockaddr*>(&sender);
    ssize_t length = recvfrom(fd, room, kDatagramSize, MSG_DONTWAIT | MSG_TRUNC, address, &size);
    if (length < 0) return -errno;
    if (sender.nl_pid != 0) continue;
    if (length > static_cast<ssize_t>(kDatagramSize)) return -EMSGSIZE;
    memset(room + length, 0, NLMSG_ALIGN(length) - length);
    return NLMSG_ALIGN(length);
  }
}

// The thread that does the input and output of one netlink socket. The kernel runs a request inside sendto,
// where it can wait for the RTNL lock for seconds: that must happen neither on the event loop nor in libuv's
// thread pool.
class IoThread {
 public:
  // What one turn did: it sent at most one request, and read what there was.
  struct Turn {
    uint32_t token = 0;  // of the request, 0 for none
    int send_error = 0;
    int receive_error = 0;
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

  // The thread closes the socket, if need be when it comes back from the kernel, calls `closed` and ends.
  void Stop(std::function<void()> closed) {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    closed_ = std::move(closed);
    Wake();
  }

  // The body of the thread.
  void Run() {
    while (auto turn = NextTurn()) report_(std::move(*turn));
    socket_.Close();
    wake_.Close();
    if (closed_) closed_();
  }

 private:
  struct Request {
    std::vector<uint8_t> bytes;
    uint32_t token = 0;
  };

  static constexpr size_t kMaxUnread = 8 * 1024 * 1024;
  static constexpr size_t kFullChunk = 1024 * 1024;  // reading stops there, to hand over what there is
  static constexpr size_t kKept = 64 * 1024;         // memory that stays between turns

  std::optional<Turn> NextTurn() {
    for (;;) {
      std::unique_lock lock(mutex_);
      if (stopping_) return std::nullopt;
      const bool reading = !paused_ && !full_;
      // An overrun lasts until the queue is empty: till then the kernel would drop the replies without a word.
      const bool behind = behind_ && reading;
      const bool sending = !behind && !full_ && !requests_.empty();
      sleeping_ = !behind && !sending;
      Request request;
      if (sending) {
        request = std::move(requests_.front());
        requests_.pop_front();
      }
      lock.unlock();
      if (!behind && !sending && !Sleep(reading)) continue;
      Turn turn{request.token};
      const int fd = socket_.number();
      if (sending && send(fd, request.bytes.data(), request.bytes.size(), 0) < 0) turn.send_error = errno;
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

  // Reads all that is queued, one datagram behind the other.
  void ReadInto(Turn* turn) {
    if (!memory_) memory_.reset(new uint8_t[kFullChunk + kDatagramSize]);
    size_t length = 0;
    int error = 0;
    while (!error && length < kFullChunk) {
      ssize_t received = ReceiveDatagram(socket_.number(), memory_.get() + length);
      if (received >= 0) length += received;
      else error = -received;
    }
    turn->chunk.assign(memory_.get(), memory_.get() + length);
    if (length > kKept) memory_.reset();
    const bool lost = error == ENOBUFS || error == EMSGSIZE;  // a message, and reading goes on
    turn->more = behind_ = !error || lost;
    // What is still queued is older than what was dropped: the overrun is told of behind it.
    overrun_ |= error == ENOBUFS;
    if (error != EAGAIN && error != ENOBUFS) turn->receive_error = error;
    if (!behind_ && std::exchange(overrun_, false)) turn->receive_error = ENOBUFS;
    std::lock_guard lock(mutex_);
    unread_ += length;
    full_ = unread_ >= kMaxUnread;
    if (error && !lost && error != EAGAIN) paused_ = true;  // it would come back for ever
  }

  FileDescriptor socket_;
  FileDescriptor wake_;  // an eventfd
  const std::function<void(Turn)> report_;
  std::unique_ptr<uint8_t[]> memory_;
  bool behind_ = false;   // reading ended before the queue was empty
  bool overrun_ = false;  // the kernel has dropped messages since it was last told of

  std::mutex mutex_;  // for what follows
  std::deque<Request> requests_;
  size_t unread_ = 0;
  bool full_ = false;  // so much is unread that reading stops, and sending too: there is no room for replies
  bool paused_ = false;
  bool sleeping_ = false;
  bool stopping_ = false;
  std::function<void()> closed_;
};
