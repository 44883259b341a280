#include "environment.h"

static void Initialize(const Napi::CallbackInfo& info) {
  auto environment = Environment::Of(info.Env());
  environment->error_factory = Napi::Persistent(info[0].As<Napi::Function>());
  environment->on_job_done = Napi::Persistent(info[1].As<Napi::Function>());
}

static void KeepAlive(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env())->KeepAlive(info[0].As<Napi::Boolean>());
}

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new std::shared_ptr<Environment>(std::make_shared<Environment>(env)));
  exports.Set("initialize", Napi::Function::New<Initialize>(env));
  exports.Set("keepAlive", Napi::Function::New<KeepAlive>(env));
  exports.Set("run", Napi::Function::New<Run>(env));
  ExportSockets(env, exports);
  return exports;
}

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
