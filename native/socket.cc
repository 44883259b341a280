#include <sys/syscall.h>

#include <array>
#include <chrono>
#include <cstring>
#include <future>

#include "environment.h"
#include "io_thread.h"

namespace {

using Info = Napi::CallbackInfo;

// Those of a Uint8Array, in one call into Node: Napi::Uint8Array makes several.
std::pair<uint8_t*, size_t> BytesOf(const Napi::Value& array) {
  void* data = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(array.Env(), array, nullptr, &length, &data, nullptr, nullptr);
  return {static_cast<uint8_t*>(data), length};
}

// The system calls that src/native/system-calls.ts makes.
constexpr std::pair<const char*, int> kSystemCalls[] = {
    {"accept4", SYS_accept4}, {"bind", SYS_bind}, {"connect", SYS_connect}, {"epoll_create1", SYS_epoll_create1},
    {"epoll_ctl", SYS_epoll_ctl}, {"ioctl", SYS_ioctl}, {"getsockopt", SYS_getsockopt}, {"listen", SYS_listen},
    {"recvmsg", SYS_recvmsg}, {"sendmsg", SYS_sendmsg}, {"setsockopt", SYS_setsockopt}, {"socket", SYS_socket},
    {"pidfd_open", 434}};

// A message of one byte that has room for a file descriptor beside it (SCM_RIGHTS, unix(7)).
struct DescriptorMessage {
  DescriptorMessage() {
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
  }

  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header = {};
};

// Hands `descriptor` to the process at the other end of a unix socket.
long PassDescriptor(int socket, int descriptor) {
  DescriptorMessage message;
  cmsghdr* rights = CMSG_FIRSTHDR(&message.header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof descriptor);
  memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
  return sendmsg(socket, &message.header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// The descriptor that was passed. Where the other end has gone without: ECONNRESET.
long ReceiveDescriptor(int socket) {
  DescriptorMessage message;
  const ssize_t length = recvmsg(socket, &message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  const cmsghdr* rights = CMSG_FIRSTHDR(&message.header);
  int descriptor = -1;
  if (length > 0 && rights && rights->cmsg_type == SCM_RIGHTS) memcpy(&descriptor, CMSG_DATA(rights), sizeof descriptor);
  else if (length >= 0) errno = ECONNRESET;
  return descriptor;
}

// One of them by its place there, on whole numbers and the bytes of arrays, which are passed by address.
struct SystemCall {
  SystemCall(const Info& info, size_t at) : called(kSystemCalls[ToInt(info[at])]) {
    for (size_t i = 0; i < arguments.size() && ++at < info.Length(); i++) {
      const Napi::Value value = info[at];
      arguments[i] = value.IsTypedArray() ? reinterpret_cast<long>(BytesOf(value).first) : ToInt(value);
    }
  }

  // A result, or an errno, negative.
  long Run() const {
    const long result = Call();
    return result < 0 ? -errno : result;
  }

  long Call() const {
    auto [a, b, c, d, e, f] = arguments;
    if (called.second == SYS_sendmsg) return PassDescriptor(a, b);
    if (called.second == SYS_recvmsg) return ReceiveDescriptor(a);
    return syscall(called.second, a, b, c, d, e, f);
  }

  const std::pair<const char*, int> called;
  std::array<long, 6> arguments = {};
};

// `DescriptorHandle` of src/native/addon.ts, where the methods are described.
class DescriptorHandle : public Napi::ObjectWrap<DescriptorHandle> {
 public:
  explicit DescriptorHandle(const Info& info) : ObjectWrap(info), environment_(Environment::Of(info.Env())) {
    auto made = std::make_shared<std::promise<Failure>>();
    auto make = [this, made, netns = ToInt(info[0]), call = SystemCall(info, 1)] {
      Failure failure = EnterNamespace(netns);
      const long result = failure ? -1 : call.Run();
      descriptor_ = FileDescriptor(std::max(result, -1L));
      made->set_value(failure || result >= 0 ? failure : Failure{static_cast<int>(-result), call.called.first});
    };
    if (ToInt(info[0]) < 0) make();
    else if (Failure failure = StartThread(make)) made->set_value(failure);
    if (Failure failure = made->get_future().get()) Throw(info.Env(), failure);
  }

  ~DescriptorHandle() override { Close(); }

  Napi::Value Number(const Info& info) { return Napi::Number::New(info.Env(), descriptor_.number()); }
  Napi::Value Release(const Info& info) { return Napi::Number::New(info.Env(), descriptor_.Release()); }

  Napi::Value Start(const Info& info) {
    FileDescriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake) return Throw(info.Env(), Failure::Of("eventfd2"));
    receiver_ = std::make_shared<DescriptorHandle*>(this);
    auto report = [environment = environment_, receiver = receiver_](IoThread::Turn turn) {
      environment->Post([receiver, turn = std::move(turn)](Napi::Env env) {
        if (*receiver) (*receiver)->OnTurn(env, turn);
      });
    };
    auto thread = std::make_shared<IoThread>(std::move(descriptor_), std::move(wake), report);
    const Failure failure = StartThread([thread] { thread->Run(); });
    if (!failure) thread_ = std::move(thread);
    return failure ? Throw(info.Env(), failure) : info.Env().Undefined();
  }

  void Send(const Info& info) {
    auto [bytes, length] = BytesOf(info[0]);
    thread_->Send({bytes, bytes + length}, ToInt(info[1]));
  }

  void SetPaused(const Info& info) { thread_->SetPaused(info[0].As<Napi::Boolean>()); }

  void Close(const Info& info) {
    if (info[0].IsUndefined()) return Close();
    Close([environment = environment_, number = ToInt(info[0])] {
      environment->Post([number](Napi::Env env) {
        Environment::Call(env, env.Undefined(), Environment::Of(env)->on_job_done.Value(),
                          {Napi::Number::New(env, number)});
      });
    });
  }

 private:
  void OnTurn(Napi::Env env, const IoThread::Turn& turn) {
    thread_->Consumed(turn.chunk.size());
    Napi::Object self = Value();
    if (self.IsEmpty()) return;  // it has been collected, and its finalizer is about to run
    Napi::Value chunk = env.Undefined();
    if (!turn.chunk.empty()) chunk = Napi::Buffer<uint8_t>::Copy(env, turn.chunk.data(), turn.chunk.size());
    Environment::Call(env, self, self.Get("onEvent"),
                      {chunk, Napi::Number::New(env, turn.token), Napi::Number::New(env, -turn.send_error),
                       Napi::Number::New(env, -turn.receive_error), Napi::Boolean::New(env, turn.more)});
  }

  void Close(std::function<void()> closed = nullptr) {
    descriptor_.Close();
    if (!thread_) return;
    *receiver_ = nullptr;
    std::exchange(thread_, nullptr)->Stop(std::move(closed));
  }

  const std::shared_ptr<Environment> environment_;
  FileDescriptor descriptor_;  // moves to the thread
  std::shared_ptr<IoThread> thread_;
  std::shared_ptr<DescriptorHandle*> receiver_;  // of the thread's reports; null in it once closed
};

Napi::Value CallSystem(const Info& info) {
  const SystemCall call(info, 0);
  if (info.Env().IsExceptionPending()) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), call.Run());
}

Napi::Value ExchangeSync(const Info& info) {
  using std::chrono::milliseconds, std::chrono::steady_clock;
  const int fd = ToInt(info[0]);
  if (!info[1].IsUndefined()) {
    auto [bytes, length] = BytesOf(info[1]);
    if (send(fd, bytes, length, 0) < 0) return Throw(info.Env(), Failure::Of("sendto"));
  }
  uint8_t* room = BytesOf(info[2]).first;
  const auto deadline = steady_clock::now() + milliseconds(ToInt(info[3]));
  for (;;) {
    ssize_t length = ReceiveDatagram(fd, room);
    if (length >= 0) return Napi::Number::New(info.Env(), length);
    if (length != -EAGAIN) return Throw(info.Env(), {static_cast<int>(-length), "recvfrom"});
    auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    pollfd watched{fd, POLLIN, 0};
    int ready = poll(&watched, 1, left > 0 ? left : 0);
    if (ready == 0) return Throw(info.Env(), {ETIMEDOUT, "recvfrom"});
    if (ready < 0 && errno != EINTR) return Throw(info.Env(), Failure::Of("poll"));
  }
}

}  // namespace

void ExportSockets(Napi::Env env, Napi::Object exports) {
  using H = DescriptorHandle;
  auto handle = H::DefineClass(env, "DescriptorHandle",
      {H::InstanceAccessor<&H::Number>("fd"), H::InstanceMethod<&H::Release>("release"),
       H::InstanceMethod<&H::Start>("start"), H::InstanceMethod<&H::Send>("send"),
       H::InstanceMethod<&H::SetPaused>("setPaused"), H::InstanceMethod<&H::Close>("close")});
  exports.Set("DescriptorHandle", handle);
  exports.Set("systemCall", Napi::Function::New<CallSystem>(env));
  exports.Set("exchangeSync", Napi::Function::New<ExchangeSync>(env));
  auto names = Napi::Array::New(env);
  for (auto [name, number] : kSystemCalls) names.Set(names.Length(), name);
  exports.Set("systemCalls", names);
}
