#pragma once

#include <cerrno>
#include <string>
#include <utility>

#include <napi.h>

// A failed system call, or none. It becomes a JavaScript error only on the JavaScript thread.
struct Failure {
  Failure() = default;
  Failure(int error, const char* syscall, std::string path = {}) : error(error), syscall(syscall), path(std::move(path)) {}

  // The call that has just failed.
  static Failure Of(const char* syscall, std::string path = {}) { return {errno, syscall, std::move(path)}; }

  explicit operator bool() const { return error != 0; }

  // The error as the environment's error factory makes it; null for no failure.
  napi_value ToValue(Napi::Env env) const;
  void Throw(Napi::Env env) const;

  int error = 0;
  const char* syscall = "";
  std::string path;
};
