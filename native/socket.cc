#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <chrono>

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

// `NetlinkHandle` of src/native/addon.ts, where the methods are described.
class NetlinkHandle : public Napi::ObjectWrap<NetlinkHandle> {
 public:
  explicit NetlinkHandle(const Info& info)
      : ObjectWrap(info), environment_(Environment::Of(info.Env())), socket_(ToInt(info[0])) {}

  ~NetlinkHandle() override { Close(); }

  Napi::Value Start(const Info& info) {
    FileDescriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake) return Throw(info.Env(), Failure::Of("eventfd"));
    addressee_ = std::make_shared<NetlinkHandle*>(this);
    auto report = [environment = environment_, addressee = addressee_](IoThread::Turn turn) {
      environment->Post([addressee, turn = std::move(turn)](Napi::Env env) {
        if (*addressee) (*addressee)->OnTurn(env, turn);
      });
    };
    auto thread = std::make_shared<IoThread>(std::move(socket_), std::move(wake), report);
    if (Failure failure = StartThread([thread] { thread->Run(); })) return Throw(info.Env(), failure);
    thread_ = std::move(thread);
    return info.Env().Undefined();
  }

  void Send(const Info& info) {
    auto [bytes, length] = BytesOf(info[0]);
    thread_->Send({bytes, bytes + length}, ToInt(info[1]));
  }

  void SetPaused(const Info& info) { thread_->SetPaused(info[0].As<Napi::Boolean>()); }

  Napi::Value ExchangeSync(const Info& info) {
    using std::chrono::milliseconds, std::chrono::steady_clock;
    if (info[0].IsTypedArray()) {
      auto [bytes, length] = BytesOf(info[0]);
      if (int error = SendRequest(socket_.number(), bytes, length)) return Throw(info.Env(), {error, "sendmsg"});
    }
    uint8_t* room = BytesOf(info[1]).first;
    std::optional<steady_clock::time_point> deadline;
    for (;;) {
      ssize_t length = ReceiveDatagram(socket_.number(), room);
      if (length >= 0) return Napi::Number::New(info.Env(), length);
      if (length != -EAGAIN) return Throw(info.Env(), {static_cast<int>(-length), "recvmsg"});
      if (!deadline) deadline = steady_clock::now() + milliseconds(ToInt(info[2]));
      auto left = std::chrono::ceil<milliseconds>(*deadline - steady_clock::now()).count();
      pollfd watched{socket_.number(), POLLIN, 0};
      int ready = poll(&watched, 1, left > 0 ? left : 0);
      if (ready == 0) return Throw(info.Env(), {ETIMEDOUT, "recvmsg"});
      if (ready < 0 && errno != EINTR) return Throw(info.Env(), Failure::Of("poll"));
    }
  }

  void Close(const Info&) { Close(); }

 private:
  void OnTurn(Napi::Env env, const IoThread::Turn& turn) {
    thread_->Consumed(turn.chunk.size());
    Napi::Value chunk = env.Undefined();
    if (!turn.chunk.empty()) chunk = Napi::Buffer<uint8_t>::Copy(env, turn.chunk.data(), turn.chunk.size());
    Napi::Object self = Value();
    Environment::Call(env, self, self.Get("onEvent"),
                      {chunk, Napi::Number::New(env, turn.token), Napi::Number::New(env, -turn.send_error),
                       Napi::Number::New(env, -turn.receive_error), Napi::Boolean::New(env, turn.more)});
  }

  void Close() {
    socket_.Close();
    if (!thread_) return;
    *addressee_ = nullptr;
    std::exchange(thread_, nullptr)->Stop();
  }

  const std::shared_ptr<Environment> environment_;
  FileDescriptor socket_;  // moves to the thread
  std::shared_ptr<IoThread> thread_;
  std::shared_ptr<NetlinkHandle*> addressee_;  // of the thread's reports; null in it once closed
};

Napi::Value Socket(const Info& info) {
  const int domain = ToInt(info[1]), protocol = ToInt(info[3]);
  const int type = ToInt(info[2]) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  FileDescriptor fd;
  auto open = [&] {
    fd = FileDescriptor(socket(domain, type, protocol));
    return fd ? Failure() : Failure::Of("socket");
  };
  if (Failure failure = RunInNamespace(ToInt(info[0]), open)) return Throw(info.Env(), failure);
  return Napi::Number::New(info.Env(), fd.Release());
}

Napi::Value Bind(const Info& info) {
  auto [address, length] = BytesOf(info[1]);
  if (bind(ToInt(info[0]), reinterpret_cast<sockaddr*>(address), length) == 0) return info.Env().Undefined();
  return Throw(info.Env(), Failure::Of("bind"));
}

// Sets the option if a value is given. Returns its value.
Napi::Value SocketOption(const Info& info) {
  const int fd = ToInt(info[0]), level = ToInt(info[1]), option = ToInt(info[2]);
  const bool setting = !info[3].IsUndefined();
  int value = setting ? ToInt(info[3]) : 0;
  socklen_t length = sizeof value;
  int result = setting ? setsockopt(fd, level, option, &value, length) : getsockopt(fd, level, option, &value, &length);
  if (result < 0) return Throw(info.Env(), Failure::Of(setting ? "setsockopt" : "getsockopt"));
  return Napi::Number::New(info.Env(), value);
}

Napi::Value Ioctl(const Info& info) {
  int error = ioctl(ToInt(info[0]), ToInt(info[1]), BytesOf(info[2]).first) < 0 ? errno : 0;
  return Napi::Number::New(info.Env(), -error);
}

Napi::Value Epoll(const Info& info) {
  int fd = epoll_create1(EPOLL_CLOEXEC);
  return fd < 0 ? Throw(info.Env(), Failure::Of("epoll_create1")) : Napi::Number::New(info.Env(), fd);
}

Napi::Value AwaitProcess(const Info& info) {
  constexpr long kPidfdOpen = 434;  // asm-generic/unistd.h
  FileDescriptor pidfd(syscall(kPidfdOpen, ToInt(info[1]), 0));
  if (!pidfd) return Throw(info.Env(), Failure::Of("pidfd_open"));
  epoll_event event{EPOLLIN, {}};
  int result = epoll_ctl(ToInt(info[0]), EPOLL_CTL_ADD, pidfd.number(), &event);
  return result < 0 ? Throw(info.Env(), Failure::Of("epoll_ctl")) : Napi::Number::New(info.Env(), pidfd.Release());
}

}  // namespace

void ExportSockets(Napi::Env env, Napi::Object exports) {
  using H = NetlinkHandle;
  auto handle = H::DefineClass(
      env, "NetlinkHandle",
      {H::InstanceMethod<&H::Start>("start"), H::InstanceMethod<&H::Send>("send"),
       H::InstanceMethod<&H::SetPaused>("setPaused"),
       H::InstanceMethod<&H::ExchangeSync>("exchangeSync"), H::InstanceMethod<&H::Close>("close")});
  exports.Set("NetlinkHandle", handle);
  exports.Set("socket", Napi::Function::New<Socket>(env));
  exports.Set("bind", Napi::Function::New<Bind>(env));
  exports.Set("socketOption", Napi::Function::New<SocketOption>(env));
  exports.Set("epoll", Napi::Function::New<Epoll>(env));
  exports.Set("awaitProcess", Napi::Function::New<AwaitProcess>(env));
  exports.Set("ioctl", Napi::Function::New<Ioctl>(env));
}
