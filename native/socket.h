#pragma once

#include <napi.h>

// The socket functions of src/native/addon.ts, where they are described.
Napi::Function DefineNetlinkHandle(Napi::Env env);
Napi::Value Socket(const Napi::CallbackInfo& info);
Napi::Value SocketName(const Napi::CallbackInfo& info);
Napi::Value GetSocketOption(const Napi::CallbackInfo& info);
Napi::Value SetSocketOption(const Napi::CallbackInfo& info);
Napi::Value Ioctl(const Napi::CallbackInfo& info);
