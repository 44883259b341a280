#include "thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace {

// What our threads do needs little, and there can be a thousand of them.
constexpr long kStackSize = 128 * 1024;

void* Main(void* data) {
  std::unique_ptr<std::function<void()>> body(static_cast<std::function<void()>*>(data));
  pthread_setname_np(pthread_self(), "rtnetlink");
  (*body)();
  return nullptr;
}

// Signals are blocked in the thread from its first instruction on: they are for Node's threads.
Failure Create(std::function<void()> body, int detach_state, pthread_t* thread) {
  auto owned = std::make_unique<std::function<void()>>(std::move(body));
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, detach_state);
  pthread_attr_setstacksize(&attributes, std::max<long>(kStackSize, sysconf(_SC_THREAD_STACK_MIN)));
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(thread, &attributes, Main, owned.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (error) return {error, "pthread_create"};
  owned.release();
  return {};
}

}  // namespace

Failure StartThread(std::function<void()> body) {
  pthread_t thread;
  return Create(std::move(body), PTHREAD_CREATE_DETACHED, &thread);
}

Failure EnterNamespace(int netns) {
  if (netns >= 0 && setns(netns, CLONE_NEWNET) < 0) return Failure::Of("setns");
  return {};
}

Failure RunInNamespace(int netns, const std::function<Failure()>& body) {
  if (netns < 0) return body();
  Failure failure;
  pthread_t thread;
  auto inside = [&] {
    failure = EnterNamespace(netns);
    if (!failure) failure = body();
  };
  Failure creation = Create(inside, PTHREAD_CREATE_JOINABLE, &thread);
  if (creation) return creation;
  pthread_join(thread, nullptr);
  return failure;
}
