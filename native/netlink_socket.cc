#include "netlink_socket.h"

#include <linux/netlink.h>
#include <net/if.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <chrono>
#include <cstring>
#include <string>
#include <utility>

#include "environment.h"
#include "thread.h"

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12  // since Linux 4.20
#endif

Napi::Function NetlinkSocket::Define(Napi::Env env) {
  return DefineClass(env, "Socket",
                     {
                         InstanceAccessor<&NetlinkSocket::Fd>("fd"),
                         InstanceAccessor<&NetlinkSocket::PortId>("portId"),
                         InstanceAccessor<&NetlinkSocket::RefusedOptions>("refusedOptions"),
                         InstanceMethod<&NetlinkSocket::SetReceiveBuffer>("setReceiveBuffer"),
                         InstanceMethod<&NetlinkSocket::SetSendBuffer>("setSendBuffer"),
                         InstanceMethod<&NetlinkSocket::Join>("join"),
                         InstanceMethod<&NetlinkSocket::Leave>("leave"),
                         InstanceMethod<&NetlinkSocket::InterfaceIndex>("interfaceIndex"),
                         InstanceMethod<&NetlinkSocket::InterfaceName>("interfaceName"),
                         InstanceMethod<&NetlinkSocket::Start>("start"),
                         InstanceMethod<&NetlinkSocket::Send>("send"),
                         InstanceMethod<&NetlinkSocket::Pause>("pause"),
                         InstanceMethod<&NetlinkSocket::Resume>("resume"),
                         InstanceMethod<&NetlinkSocket::ExchangeSync>("exchangeSync"),
                         InstanceMethod<&NetlinkSocket::ReceiveSync>("receiveSync"),
                         InstanceMethod<&NetlinkSocket::Ref>("ref"),
                         InstanceMethod<&NetlinkSocket::Unref>("unref"),
                         InstanceMethod<&NetlinkSocket::Close>("close"),
                     });
}

NetlinkSocket::NetlinkSocket(const Info& info)
    : Napi::ObjectWrap<NetlinkSocket>(info), mailbox_(Environment::Of(info.Env()).mailbox) {
  int protocol = info[0].As<Napi::Number>().Int32Value();
  int netns = info[1].As<Napi::Number>().Int32Value();
  Failure failure = RunInNamespace(netns, [&] { return Open(protocol); });
  if (failure) return failure.Throw(info.Env());
  fd_ = socket_.number();
}

NetlinkSocket::~NetlinkSocket() { CloseNow(nullptr); }

Failure NetlinkSocket::Open(int protocol) {
  socket_ = FileDescriptor(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!socket_) return Failure::Of("socket");
  static constexpr std::pair<int, const char*> kOptions[] = {
      {NETLINK_EXT_ACK, "NETLINK_EXT_ACK"},
      {NETLINK_CAP_ACK, "NETLINK_CAP_ACK"},
      {NETLINK_GET_STRICT_CHK, "NETLINK_GET_STRICT_CHK"},
  };
  for (auto [option, name] : kOptions) {
    const int on = 1;
    if (setsockopt(socket_.number(), SOL_NETLINK, option, &on, sizeof on) == 0) continue;
    if (errno != ENOPROTOOPT) return Failure::Of("setsockopt");
    refused_options_.push_back(name);
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  socklen_t length = sizeof address;
  if (bind(socket_.number(), reinterpret_cast<sockaddr*>(&address), length) < 0) return Failure::Of("bind");
  if (getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&address), &length) < 0) {
    return Failure::Of("getsockname");
  }
  port_id_ = address.nl_pid;
  return {};
}

bool NetlinkSocket::IsOpen(Napi::Env env, const char* syscall) const {
  if (fd_ < 0) Failure(EBADF, syscall).Throw(env);
  return fd_ >= 0;
}

Napi::Value NetlinkSocket::Fd(const Info& info) { return Napi::Number::New(info.Env(), fd_); }

Napi::Value NetlinkSocket::PortId(const Info& info) { return Napi::Number::New(info.Env(), port_id_); }

Napi::Value NetlinkSocket::RefusedOptions(const Info& info) {
  auto names = Napi::Array::New(info.Env());
  for (size_t i = 0; i < refused_options_.size(); i++) names.Set(i, refused_options_[i]);
  return names;
}

Napi::Value NetlinkSocket::SetReceiveBuffer(const Info& info) {
  return SetBuffer(info, SO_RCVBUFFORCE, SO_RCVBUF);
}

Napi::Value NetlinkSocket::SetSendBuffer(const Info& info) { return SetBuffer(info, SO_SNDBUFFORCE, SO_SNDBUF); }

Napi::Value NetlinkSocket::SetBuffer(const Info& info, int forced_option, int option) {
  Napi::Env env = info.Env();
  if (!IsOpen(env, "setsockopt")) return {};
  int bytes = info[0].As<Napi::Number>().Int32Value();
  if (setsockopt(fd_, SOL_SOCKET, forced_option, &bytes, sizeof bytes) < 0 &&
      setsockopt(fd_, SOL_SOCKET, option, &bytes, sizeof bytes) < 0) {
    Failure::Of("setsockopt").Throw(env);
    return {};
  }
  socklen_t length = sizeof bytes;
  if (getsockopt(fd_, SOL_SOCKET, option, &bytes, &length) < 0) {
    Failure::Of("getsockopt").Throw(env);
    return {};
  }
  return Napi::Number::New(env, bytes);
}

void NetlinkSocket::Join(const Info& info) {
  if (Membership(info, NETLINK_ADD_MEMBERSHIP)) groups_++;
  Settle();
}

void NetlinkSocket::Leave(const Info& info) {
  if (Membership(info, NETLINK_DROP_MEMBERSHIP) && groups_ > 0) groups_--;
  Settle();
}

bool NetlinkSocket::Membership(const Info& info, int option) {
  if (!IsOpen(info.Env(), "setsockopt")) return false;
  int group = info[0].As<Napi::Number>().Int32Value();
  if (setsockopt(fd_, SOL_NETLINK, option, &group, sizeof group) == 0) return true;
  Failure::Of("setsockopt").Throw(info.Env());
  return false;
}

Napi::Value NetlinkSocket::InterfaceIndex(const Info& info) {
  Napi::Env env = info.Env();
  if (!IsOpen(env, "ioctl")) return {};
  std::string name = info[0].As<Napi::String>().Utf8Value();
  ifreq request{};
  // The kernel would cut the name at a colon, and we at a NUL; no interface has either in its name.
  bool possible = name.size() < sizeof request.ifr_name && name.find_first_of(std::string(":\0", 2)) == name.npos;
  if (!possible) return Napi::Number::New(env, 0);
  memcpy(request.ifr_name, name.data(), name.size());
  if (ioctl(fd_, SIOCGIFINDEX, &request) == 0) return Napi::Number::New(env, request.ifr_ifindex);
  if (errno == ENODEV) return Napi::Number::New(env, 0);
  Failure::Of("ioctl").Throw(env);
  return {};
}

Napi::Value NetlinkSocket::InterfaceName(const Info& info) {
  Napi::Env env = info.Env();
  if (!IsOpen(env, "ioctl")) return {};
  ifreq request{};
  request.ifr_ifindex = info[0].As<Napi::Number>().Int32Value();
  if (ioctl(fd_, SIOCGIFNAME, &request) == 0) return Napi::String::New(env, request.ifr_name);
  if (errno != ENODEV) Failure::Of("ioctl").Throw(env);
  return env.Undefined();
}

void NetlinkSocket::Start(const Info& info) {
  Napi::Env env = info.Env();
  if (!IsSynchronous(env, "pthread_create")) return;
  FileDescriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return Failure::Of("eventfd").Throw(env);
  // A property, not a reference: the function may refer back to this object without keeping it for ever.
  Value().DefineProperty(Napi::PropertyDescriptor::Value("onEvent", info[0]));
  addressee_ = std::make_shared<Addressee>(Addressee{this});
  auto report = [mailbox = mailbox_, addressee = addressee_](IoThread::Turn turn) {
    mailbox->Post([addressee, turn = std::move(turn)](Napi::Env env) {
      if (addressee->socket) addressee->socket->OnTurn(env, turn);
    });
  };
  thread_ = std::make_shared<IoThread>(std::move(socket_), std::move(wake), report);
  Failure failure = StartThread([thread = thread_] { thread->Run(); });
  if (failure) {
    CloseNow(nullptr);
    failure.Throw(env);
  }
}

void NetlinkSocket::OnTurn(Napi::Env env, const IoThread::Turn& turn) {
  Napi::Value chunk = env.Undefined();
  if (!turn.chunk.empty()) chunk = Napi::Buffer<uint8_t>::Copy(env, turn.chunk.data(), turn.chunk.size());
  Napi::Object self = Value();
  std::vector<napi_value> arguments = {chunk, Napi::Number::New(env, turn.token),
                                       Napi::Number::New(env, -turn.send_error),
                                       Napi::Number::New(env, -turn.receive_error),
                                       Napi::Boolean::New(env, turn.truncated)};
  thread_->Consumed(turn.chunk.size());
  if (turn.token) requests_under_way_--;
  more_ = turn.more;
  CallFromLoop(env, self, self.Get("onEvent"), arguments);
  Settle();
}

bool NetlinkSocket::IsStarted(Napi::Env env) const {
  if (!thread_) Napi::Error::New(env, "the socket is not started").ThrowAsJavaScriptException();
  return thread_ != nullptr;
}

void NetlinkSocket::Send(const Info& info) {
  Napi::Env env = info.Env();
  if (!IsOpen(env, "sendmsg") || !IsStarted(env)) return;
  auto bytes = info[0].As<Napi::Uint8Array>();
  uint32_t token = info[1].As<Napi::Number>().Uint32Value();
  thread_->Send({bytes.Data(), bytes.Data() + bytes.ByteLength()}, token);
  requests_under_way_++;
  Settle();
}

void NetlinkSocket::Pause(const Info& info) {
  if (IsOpen(info.Env(), "recvmsg") && IsStarted(info.Env())) thread_->SetPaused(true);
}

void NetlinkSocket::Resume(const Info& info) {
  if (IsOpen(info.Env(), "recvmsg") && IsStarted(info.Env())) thread_->SetPaused(false);
}

bool NetlinkSocket::IsSynchronous(Napi::Env env, const char* syscall) const {
  if (!IsOpen(env, syscall)) return false;
  if (thread_) Napi::Error::New(env, "the socket is started: its I/O thread reads").ThrowAsJavaScriptException();
  return !thread_;
}

Napi::Value NetlinkSocket::ExchangeSync(const Info& info) {
  Napi::Env env = info.Env();
  if (!IsSynchronous(env, "sendmsg")) return {};
  auto bytes = info[0].As<Napi::Uint8Array>();
  if (int error = SendRequest(fd_, bytes.Data(), bytes.ByteLength())) {
    Failure(error, "sendmsg").Throw(env);
    return {};
  }
  return Receive(env, info[1].As<Napi::Number>().Int32Value());
}

Napi::Value NetlinkSocket::ReceiveSync(const Info& info) {
  if (!IsSynchronous(info.Env(), "recvmsg")) return {};
  return Receive(info.Env(), info[0].As<Napi::Number>().Int32Value());
}

Napi::Value NetlinkSocket::Receive(Napi::Env env, int timeout) {
  using std::chrono::milliseconds, std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + milliseconds(timeout);
  for (;;) {
    auto content = buffer_.Read(fd_);
    if (content.length > 0) return Napi::Buffer<uint8_t>::Copy(env, content.data, content.length);
    Failure failure;
    if (content.error) failure = {content.error, "recvmsg"};
    if (content.truncated) failure = {EMSGSIZE, "recvmsg"};
    if (!failure) {
      auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
      pollfd watched{fd_, POLLIN, 0};
      int ready = poll(&watched, 1, left.count() > 0 ? left.count() : 0);
      if (ready > 0 || (ready < 0 && errno == EINTR)) continue;
      failure = ready < 0 ? Failure::Of("poll") : Failure(ETIMEDOUT, "recvmsg");
    }
    failure.Throw(env);
    return {};
  }
}

void NetlinkSocket::Ref(const Info&) { SetReferenced(true); }

void NetlinkSocket::Unref(const Info&) { SetReferenced(false); }

void NetlinkSocket::SetReferenced(bool referenced) {
  if (fd_ < 0 || referenced == referenced_) return;
  referenced_ = referenced;
  referenced ? mailbox_->Ref() : mailbox_->Unref();
  Settle();
}

// An object in use stays, even if JavaScript has lost sight of it: its events have to arrive.
void NetlinkSocket::Settle() {
  bool in_use = fd_ >= 0 && (referenced_ || requests_under_way_ > 0 || more_ || groups_ > 0);
  if (in_use == kept_) return;
  kept_ = in_use;
  in_use ? Napi::ObjectWrap<NetlinkSocket>::Ref() : Napi::ObjectWrap<NetlinkSocket>::Unref();
}

void NetlinkSocket::Close(const Info& info) {
  std::function<void()> ended;
  if (info[0].IsFunction()) {
    uint32_t number = mailbox_->Expect(info[0].As<Napi::Function>());
    ended = [mailbox = mailbox_, number] {
      mailbox->Answer(number, [](Napi::Env) { return std::vector<napi_value>(); });
    };
  }
  CloseNow(std::move(ended));
  Settle();
}

void NetlinkSocket::CloseNow(std::function<void()> ended) {
  SetReferenced(false);
  fd_ = -1;
  if (addressee_) addressee_->socket = nullptr;
  if (thread_) {
    thread_->Stop(std::move(ended));
    thread_.reset();
  } else {
    socket_.Close();
    if (ended) ended();
  }
}
