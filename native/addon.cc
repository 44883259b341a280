#include <napi.h>

#include "environment.h"
#include "namespace.h"
#include "socket.h"

static void SetErrorFactory(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).error_factory = Napi::Persistent(info[0].As<Napi::Function>());
}

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment{std::make_shared<Mailbox>(env), {}});
  exports.Set("setErrorFactory", Napi::Function::New<SetErrorFactory>(env));
  exports.Set("NetlinkHandle", DefineNetlinkHandle(env));
  exports.Set("socket", Napi::Function::New<Socket>(env));
  exports.Set("socketName", Napi::Function::New<SocketName>(env));
  exports.Set("getSocketOption", Napi::Function::New<GetSocketOption>(env));
  exports.Set("setSocketOption", Napi::Function::New<SetSocketOption>(env));
  exports.Set("ioctl", Napi::Function::New<Ioctl>(env));
  exports.Set("unshareNetworkNamespace", Napi::Function::New<UnshareNetworkNamespace>(env));
  exports.Set("mount", Napi::Function::New<Mount>(env));
  exports.Set("unmount", Napi::Function::New<Unmount>(env));
  exports.Set("files", Napi::Function::New<Files>(env));
  return exports;
}

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
