#pragma once

#include <cerrno>
#include <string>
#include <utility>

// A failed system call, or none. It becomes a JavaScript error on the JavaScript thread: see environment.h.
struct Failure {
  Failure() = default;
  Failure(int error, const char* syscall, std::string path = {})
      : error(error), syscall(syscall), path(std::move(path)) {}

  // The call that has just failed.
  static Failure Of(const char* syscall, std::string path = {}) { return {errno, syscall, std::move(path)}; }

  explicit operator bool() const { return error != 0; }

  int error = 0;
  const char* syscall = "";
  std::string path;
};
