#include <napi.h>

#include "environment.h"
#include "namespace.h"
#include "netlink_socket.h"

// The addon as src/native/binding.ts describes it.

static void SetErrorFactory(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).error_factory = Napi::Persistent(info[0].As<Napi::Function>());
}

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment{std::make_shared<Mailbox>(env), {}});
  exports.Set("setErrorFactory", Napi::Function::New<SetErrorFactory>(env));
  exports.Set("Socket", NetlinkSocket::Define(env));
  exports.Set("unshareNetworkNamespace", Napi::Function::New<UnshareNetworkNamespace>(env));
  exports.Set("mount", Napi::Function::New<Mount>(env));
  exports.Set("unmount", Napi::Function::New<Unmount>(env));
  exports.Set("files", Napi::Function::New<Files>(env));
  exports.Set("socket", Napi::Function::New<Socket>(env));
  return exports;
}

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
