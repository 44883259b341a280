#include "failure.h"

#include "environment.h"

napi_value Failure::ToValue(Napi::Env env) const {
  if (!*this) return env.Null();
  auto& factory = Environment::Of(env).error_factory;
  if (factory.IsEmpty()) return Napi::Error::New(env, syscall).Value();
  auto path_or_undefined = path.empty() ? env.Undefined() : Napi::String::New(env, path);
  return factory.Call({Napi::Number::New(env, error), Napi::String::New(env, syscall), path_or_undefined});
}

void Failure::Throw(Napi::Env env) const {
  if (napi_value value = ToValue(env)) napi_throw(env, value);
}
