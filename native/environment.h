#pragma once

#include <memory>

#include <napi.h>

#include "mailbox.h"

// What belongs to one Node environment: the main thread and each worker thread have one.
struct Environment {
  std::shared_ptr<Mailbox> mailbox;
  Napi::FunctionReference error_factory;

  static Environment& Of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }
};
