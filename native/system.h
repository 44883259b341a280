#pragma once

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <utility>

// A failed system call, or none. It becomes a JavaScript error on the JavaScript thread: see environment.h.
struct Failure {
  // That of the call that has just been made, if it failed.
  static Failure Of(const char* syscall, bool failed = true) { return failed ? Failure{errno, syscall} : Failure(); }

  explicit operator bool() const { return error != 0; }

  int error = 0;
  const char* syscall = "";
};

// Owns a file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int number = -1) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(other.Release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor() { Close(); }

  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  int Release() { return std::exchange(number_, -1); }
  void Close() {
    if (number_ >= 0) close(Release());
  }

 private:
  int number_;
};

// Runs `body` on a new, detached thread.
inline Failure StartThread(std::function<void()> body) {
  constexpr long kStackSize = 128 * 1024;  // our threads need little, and there can be a thousand of them
  auto main = [](void* data) -> void* {
    std::unique_ptr<std::function<void()>> body(static_cast<std::function<void()>*>(data));
    pthread_setname_np(pthread_self(), "rtnetlink");
    (*body)();
    return nullptr;
  };
  auto owned = std::make_unique<std::function<void()>>(std::move(body));
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, std::max(kStackSize, sysconf(_SC_THREAD_STACK_MIN)));
  // Signals are for Node's threads: ours inherits that all are blocked.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread, &attributes, main, owned.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (error) return {error, "pthread_create"};
  owned.release();
  return {};
}

// Moves the calling thread into the network namespace of a file descriptor, -1 for where it is. Only for
// threads of our own, which end there.
inline Failure EnterNamespace(int netns) {
  return Failure::Of("setns", netns >= 0 && setns(netns, CLONE_NEWNET) < 0);
}
