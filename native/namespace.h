#pragma once

#include <napi.h>

// The namespace and mount functions of src/native/addon.ts, where they are described.
void UnshareNetworkNamespace(const Napi::CallbackInfo& info);
void Mount(const Napi::CallbackInfo& info);
void Unmount(const Napi::CallbackInfo& info);
void Files(const Napi::CallbackInfo& info);
