#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <cstring>

#include "environment.h"

namespace {

// A procfs of one's own: in a shared one the kernel finds a sysctl by walking along those of all namespaces that looked
// it up (proc_sys_compare, fs/proc/proc_sysctl.c), 1 ms beside 4,000. None where it is forbidden, or before Linux 5.2.
FileDescriptor OwnProc() {
  constexpr long kFsopen = 430, kFsconfig = 431, kFsmount = 432;  // asm-generic/unistd.h
  constexpr int kCloexec = 1, kCreate = 6;                        // linux/mount.h
  FileDescriptor context(syscall(kFsopen, "proc", kCloexec));
  syscall(kFsconfig, context.number(), kCreate, nullptr, nullptr, 0);
  return FileDescriptor(syscall(kFsmount, context.number(), kCloexec, 0));
}

// What a thread of its own does, where a mount or the RTNL lock can take its time.
struct Step {
  std::string operation, path, value;
  unsigned long flags = 0;
  Failure failure = {};

  Failure Run(FileDescriptor* proc) {
    const char* target = path.c_str();
    if (operation == "mount") return Failure::Of("mount", mount(value.c_str(), target, nullptr, flags, nullptr) < 0);
    if (operation == "unmount") return Failure::Of("umount2", umount2(target, MNT_DETACH) < 0);
    const bool writing = operation == "write";
    const bool is_sysctl = path.rfind("/proc/sys/", 0) == 0;
    if (is_sysctl && !*proc) *proc = OwnProc();
    if (is_sysctl && *proc) target += strlen("/proc/");
    FileDescriptor fd(openat(proc->number(), target, (writing ? O_WRONLY : O_RDONLY) | O_CLOEXEC));
    if (!fd) return Failure::Of("open");
    // In one write: to the kernel each write to a sysctl is a whole value.
    if (writing) return Failure::Of("write", write(fd.number(), value.data(), value.size()) < 0);
    char part[4096];
    ssize_t length;
    while ((length = read(fd.number(), part, sizeof part)) > 0) value.append(part, length);
    return Failure::Of("read", length < 0);
  }
};

struct Job {
  static constexpr int kNewNamespace = -2;
  std::vector<Step> steps;
  FileDescriptor made = FileDescriptor();
  Failure failure = {};

  void Run(int netns, FileDescriptor* proc) {
    failure = netns == kNewNamespace ? MakeNamespace() : EnterNamespace(netns);
    if (failure) steps.clear();
    for (Step& step : steps) step.failure = step.Run(proc);
  }

  Failure MakeNamespace() {
    if (unshare(CLONE_NEWNET) < 0) return Failure::Of("unshare");
    made = FileDescriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    return Failure::Of("open", !made);
  }

  void Report(Napi::Env env, uint32_t number) const {
    auto results = Napi::Array::New(env, steps.size());
    uint32_t i = 0;
    for (const Step& step : steps)
      results.Set(i++, step.failure ? ToError(env, step.failure) : Napi::String::New(env, step.value));
    Environment::Call(env, env.Undefined(), Environment::Of(env)->on_job_done.Value(),
                      {Napi::Number::New(env, number), ToError(env, failure), results,
                       Napi::Number::New(env, made.number())});
  }
};

}  // namespace

Napi::Value Run(const Napi::CallbackInfo& info) {
  auto job = std::make_shared<Job>();
  auto steps = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < steps.Length(); i++) {
    auto step = steps.Get(i).As<Napi::Array>();
    auto text = [&](uint32_t at) { return step.Get(at).ToString().Utf8Value(); };
    job->steps.push_back({text(0), text(1), text(2), step.Get(3).ToNumber().Uint32Value()});
  }
  auto body = [environment = Environment::Of(info.Env()), job, netns = ToInt(info[0]), number = ToInt(info[2])] {
    FileDescriptor proc;  // is closed last: that can take the kernel milliseconds
    job->Run(netns, &proc);
    environment->Post([job, number](Napi::Env env) { job->Report(env, number); });
  };
  if (Failure failure = StartThread(body)) return Throw(info.Env(), failure);
  return info.Env().Undefined();
}
