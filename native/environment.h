#pragma once

#include <memory>

#include <napi.h>

#include "failure.h"
#include "mailbox.h"

// What belongs to one Node environment: the main thread and each worker thread have one.
struct Environment {
  std::shared_ptr<Mailbox> mailbox;
  Napi::FunctionReference error_factory;

  static Environment& Of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }
};

// The error as the environment's error factory makes it; null for no failure.
inline Napi::Value ToError(Napi::Env env, const Failure& failure) {
  if (!failure) return env.Null();
  Napi::Value path = env.Undefined();
  if (!failure.path.empty()) path = Napi::String::New(env, failure.path);
  return Environment::Of(env).error_factory.Call(
      {Napi::Number::New(env, failure.error), Napi::String::New(env, failure.syscall), path});
}

inline Napi::Value Throw(Napi::Env env, const Failure& failure) {
  napi_throw(env, ToError(env, failure));
  return env.Undefined();
}

inline int ToInt(const Napi::Value& number) { return number.As<Napi::Number>().Int32Value(); }
