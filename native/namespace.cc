#include "namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "environment.h"
#include "file_descriptor.h"
#include "thread.h"

namespace {

// Runs `work` on a thread of its own and calls `done` on the event loop with the arguments that it returns.
void RunJob(const Napi::Value& done, std::function<Mailbox::Arguments()> work) {
  auto mailbox = Environment::Of(done.Env()).mailbox;
  uint32_t number = mailbox->Expect(done.As<Napi::Function>());
  auto body = [mailbox, number, work = std::move(work)] { mailbox->Answer(number, work()); };
  Failure failure = StartThread(body);
  if (!failure) return;
  mailbox->Forget(number);
  Throw(done.Env(), failure);
}

Mailbox::Arguments ErrorOnly(const Failure& failure) {
  return [failure](Napi::Env env) { return std::vector<napi_value>{ToError(env, failure)}; };
}

Failure MountAt(const std::string& source, const std::string& target, unsigned long flags) {
  bool mounted = mount(source.c_str(), target.c_str(), nullptr, flags, nullptr) == 0;
  return mounted ? Failure() : Failure::Of("mount", target);
}

Failure Unshare(const std::optional<std::string>& path, FileDescriptor* netns) {
  const char* made = "/proc/thread-self/ns/net";
  if (unshare(CLONE_NEWNET) < 0) return Failure::Of("unshare");
  *netns = FileDescriptor(open(made, O_RDONLY | O_CLOEXEC));
  if (!*netns) return Failure::Of("open", made);
  return path ? MountAt(made, *path, MS_BIND) : Failure();
}

struct File {
  std::string path;
  std::optional<std::string> value;  // to be written; none: to be read
  Failure failure;

  void Read() {
    FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return Fail("open");
    value.emplace();
    char part[4096];
    ssize_t length;
    while ((length = read(fd.number(), part, sizeof part)) > 0) value->append(part, length);
    if (length < 0) Fail("read");
  }

  // In one write: to the kernel each write to a sysctl is a whole value.
  void Write() {
    FileDescriptor fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) return Fail("open");
    if (write(fd.number(), value->data(), value->size()) < 0) Fail("write");
  }

  void Fail(const char* syscall) { failure = Failure::Of(syscall, path); }
};

std::vector<File> ToFiles(Napi::Array entries) {
  std::vector<File> files(entries.Length());
  for (size_t i = 0; i < files.size(); i++) {
    auto entry = entries.Get(i).As<Napi::Array>();
    Napi::Value value = entry.Get(1u);
    files[i].path = entry.Get(0u).As<Napi::String>();
    if (!value.IsNull()) files[i].value = value.As<Napi::String>();
  }
  return files;
}

Napi::Value ToResults(Napi::Env env, const std::vector<File>& files) {
  auto results = Napi::Array::New(env, files.size());
  for (size_t i = 0; i < files.size(); i++) {
    auto& [path, value, failure] = files[i];
    results.Set(i, failure ? ToError(env, failure) : Napi::String::New(env, *value));
  }
  return results;
}

}  // namespace

void UnshareNetworkNamespace(const Napi::CallbackInfo& info) {
  std::optional<std::string> path;
  if (!info[0].IsUndefined()) path = info[0].As<Napi::String>();
  RunJob(info[1], [path] {
    auto netns = std::make_shared<FileDescriptor>();
    Failure failure = Unshare(path, netns.get());
    return [netns, failure](Napi::Env env) {
      return std::vector<napi_value>{ToError(env, failure), Napi::Number::New(env, netns->number())};
    };
  });
}

void Mount(const Napi::CallbackInfo& info) {
  std::string source = info[0].As<Napi::String>(), target = info[1].As<Napi::String>();
  unsigned long flags = info[2].As<Napi::Number>().Uint32Value();
  RunJob(info[3], [=] { return ErrorOnly(MountAt(source, target, flags)); });
}

void Unmount(const Napi::CallbackInfo& info) {
  std::string target = info[0].As<Napi::String>();
  RunJob(info[1], [=] {
    bool unmounted = umount2(target.c_str(), MNT_DETACH) == 0;
    return ErrorOnly(unmounted ? Failure() : Failure::Of("umount2", target));
  });
}

void Files(const Napi::CallbackInfo& info) {
  int netns = ToInt(info[0]);
  std::vector<File> files = ToFiles(info[1].As<Napi::Array>());
  RunJob(info[2], [netns, files]() mutable {
    Failure failure = EnterNamespace(netns);
    if (failure) files.clear();
    for (File& file : files) file.value ? file.Write() : file.Read();
    return [failure, files](Napi::Env env) {
      return std::vector<napi_value>{ToError(env, failure), ToResults(env, files)};
    };
  });
}
