#include "mailbox.h"

#include <memory>
#include <utility>

Mailbox::Mailbox(Napi::Env env) : env_(env) {
  napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "rtnetlink"), 0, 1, nullptr, nullptr,
                                  nullptr, Deliver, &queue_);
  napi_unref_threadsafe_function(env, queue_);
  // Hooks run in reverse order: ours before the one with which the queue destroys itself.
  napi_add_env_cleanup_hook(env, EnvironmentEnds, this);
}

void Mailbox::Post(Letter letter) {
  auto owned = std::make_unique<Letter>(std::move(letter));
  std::lock_guard lock(mutex_);
  if (queue_ && napi_call_threadsafe_function(queue_, owned.get(), napi_tsfn_nonblocking) == napi_ok) owned.release();
}

void Mailbox::Deliver(napi_env env, napi_value, void*, void* data) {
  std::unique_ptr<Letter> letter(static_cast<Letter*>(data));
  if (env) (*letter)(env);
}

void Mailbox::Answer(uint32_t number, Arguments arguments) {
  // `this` outlives its letters: it belongs to the environment.
  Post([this, number, arguments = std::move(arguments)](Napi::Env env) {
    napi_value function = expected_[number].Value();
    Forget(number);
    CallFromLoop(env, env.Undefined(), function, arguments(env));
  });
}

void Mailbox::Ref() {
  if (references_++ == 0 && queue_) napi_ref_threadsafe_function(env_, queue_);
}

void Mailbox::Unref() {
  if (--references_ == 0 && queue_) napi_unref_threadsafe_function(env_, queue_);
}

uint32_t Mailbox::Expect(Napi::Function function) {
  Ref();
  expected_[++last_number_] = Napi::Persistent(function);
  return last_number_;
}

void Mailbox::Forget(uint32_t number) {
  expected_.erase(number);
  Unref();
}

void Mailbox::EnvironmentEnds(void* data) {
  auto mailbox = static_cast<Mailbox*>(data);
  mailbox->expected_.clear();
  std::lock_guard lock(mailbox->mutex_);
  napi_release_threadsafe_function(std::exchange(mailbox->queue_, nullptr), napi_tsfn_abort);
}

void CallFromLoop(Napi::Env env, napi_value receiver, napi_value function, const std::vector<napi_value>& arguments) {
  napi_status status = napi_call_function(env, receiver, function, arguments.size(), arguments.data(), nullptr);
  napi_value error;
  if (status == napi_pending_exception && napi_get_and_clear_last_exception(env, &error) == napi_ok) {
    napi_fatal_exception(env, error);
  }
}
