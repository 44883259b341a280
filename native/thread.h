#pragma once

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "failure.h"

// Runs `body` on a new thread: detached, unless `joinable` is there to receive its id.
inline Failure StartThread(std::function<void()> body, pthread_t* joinable = nullptr) {
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
  pthread_attr_setdetachstate(&attributes, joinable ? PTHREAD_CREATE_JOINABLE : PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, std::max(kStackSize, sysconf(_SC_THREAD_STACK_MIN)));
  // Signals are for Node's threads: ours inherits that all are blocked.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(joinable ? joinable : &thread, &attributes, main, owned.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (error) return {error, "pthread_create"};
  owned.release();
  return {};
}

// Moves the calling thread into the network namespace of a file descriptor, -1 for where it is. Only for
// threads of our own, which end there.
inline Failure EnterNamespace(int netns) {
  return netns < 0 || setns(netns, CLONE_NEWNET) == 0 ? Failure() : Failure::Of("setns");
}

// Runs `body` inside a network namespace, on a short-lived thread, and waits for it; for -1 just runs it.
inline Failure RunInNamespace(int netns, const std::function<Failure()>& body) {
  if (netns < 0) return body();
  Failure failure;
  pthread_t thread;
  auto enter_and_run = [&] {
    failure = EnterNamespace(netns);
    if (!failure) failure = body();
  };
  if (Failure creation = StartThread(enter_and_run, &thread)) return creation;
  pthread_join(thread, nullptr);
  return failure;
}
