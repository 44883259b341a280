#include "namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>

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
void RunJob(Napi::Env env, Napi::Function done, std::function<Mailbox::Arguments()> work) {
  auto mailbox = Environment::Of(env).mailbox;
  uint32_t number = mailbox->Expect(done);
  Failure failure = StartThread([mailbox, number, work = std::move(work)] { mailbox->Answer(number, work()); });
  if (failure) {
    mailbox->Forget(number);
    failure.Throw(env);
  }
}

Mailbox::Arguments ErrorOnly(Failure failure) {
  return [failure = std::move(failure)](Napi::Env env) { return std::vector<napi_value>{failure.ToValue(env)}; };
}

Failure MountAt(const std::string& source, const std::string& target, unsigned long flags) {
  bool mounted = mount(source.c_str(), target.c_str(), nullptr, flags, nullptr) == 0;
  return mounted ? Failure() : Failure::Of("mount", target);
}

Failure Unshare(const std::optional<std::string>& path, FileDescriptor* netns) {
  const char* own = "/proc/thread-self/ns/net";
  if (unshare(CLONE_NEWNET) < 0) return Failure::Of("unshare");
  *netns = FileDescriptor(open(own, O_RDONLY | O_CLOEXEC));
  if (!*netns) return Failure::Of("open", own);
  return path ? MountAt(own, *path, MS_BIND) : Failure();
}

struct File {
  std::string path;
  std::optional<std::string> value;  // to write; after reading, what was read
  Failure failure;
};

Failure Read(File* file) {
  FileDescriptor fd(open(file->path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Failure::Of("open", file->path);
  std::string content;
  char part[4096];
  ssize_t length;
  while ((length = read(fd.number(), part, sizeof part)) > 0) content.append(part, length);
  if (length < 0) return Failure::Of("read", file->path);
  file->value = std::move(content);
  return {};
}

// In one write: for the kernel each write to a sysctl is a whole value.
Failure Write(const File& file) {
  FileDescriptor fd(open(file.path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return Failure::Of("open", file.path);
  return write(fd.number(), file.value->data(), file.value->size()) < 0 ? Failure::Of("write", file.path) : Failure();
}

std::vector<File> ToFiles(Napi::Array entries) {
  std::vector<File> files(entries.Length());
  for (size_t i = 0; i < files.size(); i++) {
    auto entry = entries.Get(i).As<Napi::Array>();
    Napi::Value value = entry.Get(1u);
    files[i].path = entry.Get(0u).As<Napi::String>();
    if (value.IsString()) files[i].value = value.As<Napi::String>();
  }
  return files;
}

napi_value ToResults(Napi::Env env, const std::vector<File>& files) {
  auto results = Napi::Array::New(env, files.size());
  for (size_t i = 0; i < files.size(); i++) {
    const File& file = files[i];
    results.Set(i, file.failure ? file.failure.ToValue(env) : Napi::String::New(env, file.value.value_or("")));
  }
  return results;
}

}  // namespace

void UnshareNetworkNamespace(const Napi::CallbackInfo& info) {
  std::optional<std::string> path;
  if (info[0].IsString()) path = info[0].As<Napi::String>();
  RunJob(info.Env(), info[1].As<Napi::Function>(), [path] {
    // Shared, so that a letter destroyed unread closes it.
    auto netns = std::make_shared<FileDescriptor>();
    Failure failure = Unshare(path, netns.get());
    return [netns, failure](Napi::Env env) {
      int fd = failure ? -1 : netns->Release();
      return std::vector<napi_value>{failure.ToValue(env), Napi::Number::New(env, fd)};
    };
  });
}

void Mount(const Napi::CallbackInfo& info) {
  std::string source = info[0].As<Napi::String>(), target = info[1].As<Napi::String>();
  unsigned long flags = info[2].As<Napi::Number>().Uint32Value();
  RunJob(info.Env(), info[3].As<Napi::Function>(), [=] { return ErrorOnly(MountAt(source, target, flags)); });
}

void Unmount(const Napi::CallbackInfo& info) {
  std::string target = info[0].As<Napi::String>();
  RunJob(info.Env(), info[1].As<Napi::Function>(), [target] {
    return ErrorOnly(umount2(target.c_str(), MNT_DETACH) < 0 ? Failure::Of("umount2", target) : Failure());
  });
}

void Files(const Napi::CallbackInfo& info) {
  int netns = info[0].As<Napi::Number>().Int32Value();
  std::vector<File> files = ToFiles(info[1].As<Napi::Array>());
  RunJob(info.Env(), info[2].As<Napi::Function>(), [netns, files]() mutable {
    Failure failure = EnterNamespace(netns);
    if (failure) files.clear();
    for (File& file : files) file.failure = file.value ? Write(file) : Read(&file);
    return [failure, files](Napi::Env env) {
      return std::vector<napi_value>{failure.ToValue(env), ToResults(env, files)};
    };
  });
}

Napi::Value Socket(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int netns = info[0].As<Napi::Number>().Int32Value();
  int domain = info[1].As<Napi::Number>().Int32Value();
  int type = info[2].As<Napi::Number>().Int32Value() | SOCK_CLOEXEC | SOCK_NONBLOCK;
  int protocol = info[3].As<Napi::Number>().Int32Value();
  Napi::Uint8Array address;
  if (!info[4].IsUndefined()) address = info[4].As<Napi::Uint8Array>();
  std::optional<int> backlog;
  if (!info[5].IsUndefined()) backlog = info[5].As<Napi::Number>().Int32Value();

  FileDescriptor fd;
  Failure failure = RunInNamespace(netns, [&]() -> Failure {
    const int on = 1;
    fd = FileDescriptor(socket(domain, type, protocol));
    if (!fd) return Failure::Of("socket");
    if (backlog && setsockopt(fd.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) {
      return Failure::Of("setsockopt");
    }
    if (!address.IsEmpty()) {
      auto bytes = reinterpret_cast<const sockaddr*>(address.Data());
      if (bind(fd.number(), bytes, address.ByteLength()) < 0) return Failure::Of("bind");
    }
    if (backlog && listen(fd.number(), *backlog) < 0) return Failure::Of("listen");
    return {};
  });
  if (failure) {
    failure.Throw(env);
    return {};
  }
  return Napi::Number::New(env, fd.Release());
}
