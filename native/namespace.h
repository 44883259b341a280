#pragma once

#include <napi.h>

// The functions of src/native/binding.ts that work in network namespaces and on their mounts.
void UnshareNetworkNamespace(const Napi::CallbackInfo& info);
void Mount(const Napi::CallbackInfo& info);
void Unmount(const Napi::CallbackInfo& info);
void Files(const Napi::CallbackInfo& info);
Napi::Value Socket(const Napi::CallbackInfo& info);
