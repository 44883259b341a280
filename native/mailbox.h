#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <napi.h>

// Carries work from any thread to the JavaScript thread of one environment. A letter that comes too late, when the
// environment has ended, is destroyed unread: what it owns must be safe to destroy on any thread, so the JavaScript
// functions to call stay in here and are known outside by a number.
class Mailbox {
 public:
  using Letter = std::function<void(Napi::Env)>;
  using Arguments = std::function<std::vector<napi_value>(Napi::Env)>;

  explicit Mailbox(Napi::Env env);

  // Any thread.
  void Post(Letter letter);
  // Calls and forgets the function that Expect() gave the number of.
  void Answer(uint32_t number, Arguments arguments);

  // The JavaScript thread. Each Ref() and each expected answer keeps its event loop alive.
  void Ref();
  void Unref();
  uint32_t Expect(Napi::Function function);
  void Forget(uint32_t number);

 private:
  static void Deliver(napi_env env, napi_value, void*, void* letter);
  static void EnvironmentEnds(void* mailbox);

  const Napi::Env env_;
  uint32_t references_ = 0;
  uint32_t last_number_ = 0;
  std::unordered_map<uint32_t, Napi::FunctionReference> expected_;

  std::mutex mutex_;
  napi_threadsafe_function queue_ = nullptr;  // null once the environment has ended
};

// Calls a JavaScript function from the event loop: what it throws is an uncaught exception.
void CallFromLoop(Napi::Env env, napi_value receiver, napi_value function, const std::vector<napi_value>& arguments);
