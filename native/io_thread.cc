#include "io_thread.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <utility>

namespace {

// Reading stops when this much waits for the event loop, and goes on at half of it.
constexpr size_t kMaxUnread = 8 * 1024 * 1024;

}  // namespace

int SendRequest(int fd, const uint8_t* data, size_t length) {
  iovec bytes{const_cast<uint8_t*>(data), length};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  return sendmsg(fd, &message, 0) < 0 ? errno : 0;
}

IoThread::IoThread(FileDescriptor socket, FileDescriptor wake, Report report)
    : socket_(std::move(socket)), wake_(std::move(wake)), report_(std::move(report)) {}

void IoThread::Wake() {
  if (std::exchange(sleeping_, false)) eventfd_write(wake_.number(), 1);
}

void IoThread::Send(std::vector<uint8_t> bytes, uint32_t token) {
  std::lock_guard lock(mutex_);
  requests_.push_back({std::move(bytes), token});
  Wake();
}

void IoThread::SetPaused(bool paused) {
  std::lock_guard lock(mutex_);
  paused_ = paused;
  Wake();
}

void IoThread::Consumed(size_t bytes) {
  std::lock_guard lock(mutex_);
  unread_ -= bytes;
  if (full_ && unread_ <= kMaxUnread / 2) {
    full_ = false;
    Wake();
  }
}

void IoThread::Stop(std::function<void()> ended) {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  ended_ = std::move(ended);
  Wake();
}

void IoThread::Run() {
  for (;;) {
    std::optional<Request> request;
    bool reading;
    {
      std::lock_guard lock(mutex_);
      if (stopping_) break;
      if (!requests_.empty()) {
        request = std::move(requests_.front());
        requests_.pop_front();
      }
      sleeping_ = !request;
      reading = !paused_ && !full_;
    }
    Turn turn;
    if (request) {
      turn.token = request->token;
      turn.send_error = SendRequest(socket_.number(), request->bytes.data(), request->bytes.size());
    } else if (!Sleep(reading)) {
      continue;
    }
    if (reading) ReadInto(&turn);
    report_(std::move(turn));
  }
  socket_.Close();
  if (ended_) ended_();
}

// Waits until there is something to read, or for Wake(). Returns whether to read.
bool IoThread::Sleep(bool reading) {
  // Not reading must leave the socket out: its pending error would end every poll at once.
  pollfd watched[] = {{wake_.number(), POLLIN, 0}, {socket_.number(), POLLIN, 0}};
  int ready = poll(watched, reading ? 2 : 1, -1);
  eventfd_t count;
  if (ready > 0 && watched[0].revents) eventfd_read(wake_.number(), &count);
  return ready > 0 && watched[1].revents;
}

void IoThread::ReadInto(Turn* turn) {
  auto content = buffer_.Read(socket_.number());
  turn->chunk.assign(content.data, content.data + content.length);
  turn->receive_error = content.error;
  turn->truncated = content.truncated;
  turn->more = content.more;
  std::lock_guard lock(mutex_);
  unread_ += content.length;
  full_ = unread_ >= kMaxUnread;
  // After an overrun reading goes on; another error would come back for ever.
  if (content.error && content.error != ENOBUFS) paused_ = true;
}
