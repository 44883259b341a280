#pragma once

#include <napi.h>

// What src/native/addon.ts describes.
Napi::Value Run(const Napi::CallbackInfo& info);          // jobs.cc
void ExportSockets(Napi::Env env, Napi::Object exports);  // socket.cc
