#include <sys/syscall.h>

#include <chrono>
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

// `NetlinkHandle` of src/native/addon.ts, where the methods are described.
class NetlinkHandle : public Napi::ObjectWrap<NetlinkHandle> {
 public:
  explicit NetlinkHandle(const Info& info)
      : ObjectWrap(info), environment_(Environment::Of(info.Env())), socket_(ToInt(info[0])) {}

  ~NetlinkHandle() override { Close(); }

  Napi::Value Start(const Info& info) {
    FileDescriptor wake(ToInt(info[0]));
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
      if (send(socket_.number(), bytes, length, 0) < 0) return Throw(info.Env(), Failure::Of("sendto"));
    }
    uint8_t* room = BytesOf(info[1]).first;
    std::optional<steady_clock::time_point> deadline;
    for (;;) {
      ssize_t length = ReceiveDatagram(socket_.number(), room);
      if (length >= 0) return Napi::Number::New(info.Env(), length);
      if (length != -EAGAIN) return Throw(info.Env(), {static_cast<int>(-length), "recvfrom"});
      if (!deadline) deadline = steady_clock::now() + milliseconds(ToInt(info[2]));
      auto left = std::chrono::ceil<milliseconds>(*deadline - steady_clock::now()).count();
      pollfd watched{socket_.number(), POLLIN, 0};
      int ready = poll(&watched, 1, left > 0 ? left : 0);
      if (ready == 0) return Throw(info.Env(), {ETIMEDOUT, "recvfrom"});
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

// Makes a socket inside a network namespace, on a short-lived thread, and waits for it; for -1 just makes one.
Napi::Value Socket(const Info& info) {
  const int netns = ToInt(info[0]), domain = ToInt(info[1]), protocol = ToInt(info[3]);
  const int type = ToInt(info[2]) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  auto made = std::make_shared<std::promise<std::pair<int, Failure>>>();
  auto make = [=] {
    Failure failure = EnterNamespace(netns);
    const int fd = failure ? -1 : socket(domain, type, protocol);
    made->set_value({fd, failure ? failure : Failure::Of("socket", fd < 0)});
  };
  if (netns < 0) make();
  else if (Failure failure = StartThread(make)) return Throw(info.Env(), failure);
  auto [fd, failure] = made->get_future().get();
  return failure ? Throw(info.Env(), failure) : Napi::Number::New(info.Env(), fd);
}

// A system call that does not wait, by its number, on whole numbers and the bytes of arrays. Returns what the kernel
// does: a result, or an errno, negative.
Napi::Value SystemCall(const Info& info) {
  const int number = ToInt(info[0]);
  long arguments[6] = {};
  for (size_t i = 0; i + 1 < std::min<size_t>(info.Length(), 7); i++) {
    const Napi::Value value = info[i + 1];
    arguments[i] = value.IsTypedArray() ? reinterpret_cast<long>(BytesOf(value).first) : ToInt(value);
  }
  if (info.Env().IsExceptionPending()) return info.Env().Undefined();
  auto [a, b, c, d, e, f] = arguments;
  long result = syscall(number, a, b, c, d, e, f);
  return Napi::Number::New(info.Env(), result < 0 ? -errno : result);
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
  exports.Set("systemCall", Napi::Function::New<SystemCall>(env));
  auto numbers = Napi::Object::New(env);
  for (auto [name, number] : {std::pair{"bind", SYS_bind}, {"setsockopt", SYS_setsockopt}, {"ioctl", SYS_ioctl},
                              {"getsockopt", SYS_getsockopt}, {"eventfd2", SYS_eventfd2}, {"epoll_ctl", SYS_epoll_ctl},
                              {"epoll_create1", SYS_epoll_create1}, {"pidfd_open", 434 /* newer than some headers */}})
    numbers.Set(name, number);
  exports.Set("numbers", numbers);
}
