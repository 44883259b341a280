#pragma once

#include <mutex>
#include <vector>

#include <napi.h>

#include "system.h"

// What src/native/addon.ts describes.
Napi::Value Run(const Napi::CallbackInfo& info);          // jobs.cc
void ExportSockets(Napi::Env env, Napi::Object exports);  // socket.cc

// One Node environment (the main thread and each worker thread have one), and the way into it from other threads.
// They may outlive it: then what they post is destroyed unread, perhaps on another thread, so it refers to no
// JavaScript value.
class Environment {
 public:
  using Task = std::function<void(Napi::Env)>;

  explicit Environment(Napi::Env env) : env_(env) {
    napi_value name = Napi::String::New(env, "rtnetlink");
    if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, nullptr, RunTask,
                                        &queue_) != napi_ok)
      Napi::Error::New(env, "rtnetlink: Node makes no queue for what threads report").ThrowAsJavaScriptException();
    KeepAlive(false);
    // Hooks run in reverse order: this one before that with which the queue destroys itself.
    napi_add_env_cleanup_hook(env, End, this);
  }

  static std::shared_ptr<Environment> Of(Napi::Env env) {
    return *env.GetInstanceData<std::shared_ptr<Environment>>();
  }

  // From any thread. A task must not throw: see Call().
  void Post(Task task) {
    auto owned = std::make_unique<Task>(std::move(task));
    std::lock_guard lock(mutex_);
    if (queue_ && napi_call_threadsafe_function(queue_, owned.get(), napi_tsfn_nonblocking) == napi_ok) owned.release();
  }

  // On the JavaScript thread: whether the event loop waits for tasks.
  void KeepAlive(bool alive) {
    if (queue_) (alive ? napi_ref_threadsafe_function : napi_unref_threadsafe_function)(env_, queue_);
  }

  // Calls a function from a task: what it throws is an uncaught exception.
  static void Call(Napi::Env env, napi_value self, napi_value function, const std::vector<napi_value>& arguments) {
    napi_status status = napi_call_function(env, self, function, arguments.size(), arguments.data(), nullptr);
    napi_value error;
    if (status == napi_pending_exception && napi_get_and_clear_last_exception(env, &error) == napi_ok) {
      napi_fatal_exception(env, error);
    }
  }

  Napi::FunctionReference error_factory;  // makes the error of a system call
  Napi::FunctionReference on_job_done;    // takes the number of a job and what came of it

 private:
  static void RunTask(napi_env env, napi_value, void*, void* data) {
    std::unique_ptr<Task> task(static_cast<Task*>(data));
    if (env) (*task)(env);
  }

  static void End(void* data) {
    auto ended = static_cast<Environment*>(data);
    ended->error_factory.Reset();
    ended->on_job_done.Reset();
    std::lock_guard lock(ended->mutex_);
    if (auto queue = std::exchange(ended->queue_, nullptr)) napi_release_threadsafe_function(queue, napi_tsfn_abort);
  }

  const Napi::Env env_;
  std::mutex mutex_;
  napi_threadsafe_function queue_ = nullptr;  // null once the environment has ended
};

// The error as the environment's error factory makes it; null for no failure.
inline Napi::Value ToError(Napi::Env env, const Failure& failure) {
  if (!failure) return env.Null();
  return Environment::Of(env)->error_factory.Call(
      {Napi::Number::New(env, failure.error), Napi::String::New(env, failure.syscall)});
}

inline Napi::Value Throw(Napi::Env env, const Failure& failure) {
  napi_throw(env, ToError(env, failure));
  return env.Undefined();
}

inline int ToInt(const Napi::Value& number) { return number.As<Napi::Number>().Int32Value(); }
