#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include <napi.h>

// Carries work from any thread to the JavaScript thread of one environment. A letter that comes when the
// environment has ended is destroyed unread, perhaps on another thread: so the JavaScript functions to be
// called stay in here, and are known outside by a number.
class Mailbox {
 public:
  using Letter = std::function<void(Napi::Env)>;
  using Arguments = std::function<std::vector<napi_value>(Napi::Env)>;

  explicit Mailbox(Napi::Env env) : env_(env) {
    napi_value name = Napi::String::New(env, "rtnetlink");
    napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, nullptr, Deliver,
                                    &queue_);
    napi_unref_threadsafe_function(env, queue_);
    // Hooks run in reverse order: this one before that with which the queue destroys itself.
    napi_add_env_cleanup_hook(env, EnvironmentEnds, this);
  }

  // From any thread. A letter must not throw: see Call().
  void Post(Letter letter) {
    auto owned = std::make_unique<Letter>(std::move(letter));
    std::lock_guard lock(mutex_);
    if (!queue_) return;
    if (napi_call_threadsafe_function(queue_, owned.get(), napi_tsfn_nonblocking) == napi_ok) owned.release();
  }

  // From any thread: calls and forgets the function that Expect() gave the number of.
  void Answer(uint32_t number, Arguments arguments) {
    Post([this, number, arguments = std::move(arguments)](Napi::Env env) {
      Napi::Function function = expected_[number].Value();
      Forget(number);
      Call(env, env.Undefined(), function, arguments(env));
    });
  }

  // On the JavaScript thread. An expected answer keeps the event loop alive, and so does each Ref().
  uint32_t Expect(Napi::Function function) {
    Ref();
    expected_[++last_number_] = Napi::Persistent(function);
    return last_number_;
  }
  void Forget(uint32_t number) {
    expected_.erase(number);
    Unref();
  }
  void Ref() {
    if (references_++ == 0 && queue_) napi_ref_threadsafe_function(env_, queue_);
  }
  void Unref() {
    if (--references_ == 0 && queue_) napi_unref_threadsafe_function(env_, queue_);
  }

  // Calls a function from a letter: what it throws is an uncaught exception.
  static void Call(Napi::Env env, napi_value self, napi_value function,
                   const std::vector<napi_value>& arguments) {
    napi_status status = napi_call_function(env, self, function, arguments.size(), arguments.data(), nullptr);
    napi_value error;
    if (status == napi_pending_exception && napi_get_and_clear_last_exception(env, &error) == napi_ok) {
      napi_fatal_exception(env, error);
    }
  }

 private:
  static void Deliver(napi_env env, napi_value, void*, void* data) {
    std::unique_ptr<Letter> letter(static_cast<Letter*>(data));
    if (env) (*letter)(env);
  }

  static void EnvironmentEnds(void* data) {
    auto mailbox = static_cast<Mailbox*>(data);
    mailbox->expected_.clear();
    std::lock_guard lock(mailbox->mutex_);
    napi_release_threadsafe_function(std::exchange(mailbox->queue_, nullptr), napi_tsfn_abort);
  }

  const Napi::Env env_;
  uint32_t references_ = 0;
  uint32_t last_number_ = 0;
  std::unordered_map<uint32_t, Napi::FunctionReference> expected_;

  std::mutex mutex_;
  napi_threadsafe_function queue_ = nullptr;  // null once the environment has ended
};
