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

// A sysctl gives all of its value to the first read, as far as there is room, and nothing to the next
// (proc_do_large_bitmap, kernel/sysctl.c): where the room was filled, it is read again into more.
Failure ReadFile(int fd, bool is_sysctl, std::string* content) {
  for (size_t room = 4096, begin = 0;; is_sysctl ? room *= 16 : begin = content->size()) {
    content->resize(begin + room);
    const ssize_t length = pread(fd, content->data() + begin, room, begin);
    content->resize(begin + std::max<ssize_t>(length, 0));
    if (length <= 0 || (is_sysctl && static_cast<size_t>(length) < room)) return Failure::Of("read", length < 0);
  }
}

// To the kernel each write to a sysctl is a whole value, and ends within a page. But what is written behind the
// beginning of a list of ports is added to it (proc_do_large_bitmap): a long list goes out in parts. `taken` is how
// many bytes the kernel has taken, also when it then refuses the rest.
Failure WriteFile(int fd, const std::string& value, size_t* taken) {
  constexpr size_t kMost = 4095;
  for (*taken = 0;;) {
    size_t end = value.size() - *taken > kMost ? value.rfind(',', *taken + kMost - 1) + 1 : 0;
    if (end <= *taken) end = value.size();  // the last part, or no list
    const ssize_t length = pwrite(fd, value.data() + *taken, end - *taken, *taken);
    *taken += std::max<ssize_t>(length, 0);
    if (*taken < end) return length < 0 ? Failure::Of("write") : Failure{EINVAL, "write"};
    if (end == value.size()) return {};
  }
}

// Opens a file, from `proc` where there is one. When the process has no descriptor to spare, what it changed must still be
// put back: then the thread gets a table of descriptors of its own, and the namespace in it, which it is in already, makes
// room for the file.
FileDescriptor OpenFile(int netns, FileDescriptor* proc, const char* path, int mode) {
  auto open = [&] {
    const bool from_proc = proc != nullptr && *proc;
    return openat(from_proc ? proc->number() : AT_FDCWD, from_proc ? path + strlen("/proc/") : path, mode | O_CLOEXEC);
  };
  int fd = open();
  if (fd >= 0 || errno != EMFILE || netns < 0) return FileDescriptor(fd);
  if (proc != nullptr) *proc = FileDescriptor();  // of the table that is left
  fd = open();
  if (fd >= 0 || errno != EMFILE) return FileDescriptor(fd);
  if (unshare(CLONE_FILES) == 0) close(netns);
  return FileDescriptor(open());
}

// What a thread of its own does, where a mount or the RTNL lock can take its time.
struct Step {
  std::string operation, path, value;
  unsigned long flags = 0;
  Failure failure = {};

  // Of its descriptors the thread holds one at a time (see OpenFile).
  Failure Run(int netns, FileDescriptor* proc) {
    const char* target = path.c_str();
    if (operation == "mount") return Failure::Of("mount", mount(value.c_str(), target, nullptr, flags, nullptr) < 0);
    if (operation == "unmount") return Failure::Of("umount2", umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0);
    const bool writing = operation == "write";
    const bool is_sysctl = path.rfind("/proc/sys/", 0) == 0;
    if (is_sysctl && !*proc) *proc = OwnProc();
    auto open = [&](int mode) { return OpenFile(netns, is_sysctl ? proc : nullptr, target, mode); };
    // The kernel can take the first of several words and refuse the rest: then the old value is put back.
    std::string before;
    if (writing && value.find_first_of(" \t,") != std::string::npos)
      ReadFile(open(O_RDONLY).number(), is_sysctl, &before);
    const FileDescriptor fd = open(writing ? O_WRONLY : O_RDONLY);
    if (!fd) return Failure::Of("open");
    if (!writing) return ReadFile(fd.number(), is_sysctl, &value);
    size_t taken;
    const Failure failure = WriteFile(fd.number(), value, &taken);
    if (failure && taken > 0 && !before.empty()) WriteFile(fd.number(), before, &taken);
    return failure;
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
    for (Step& step : steps) step.failure = step.Run(netns, proc);
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
