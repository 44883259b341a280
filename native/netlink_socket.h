#pragma once

#include <memory>
#include <vector>

#include <napi.h>

#include "failure.h"
#include "file_descriptor.h"
#include "io_thread.h"
#include "mailbox.h"

// The class `Socket` of src/native/binding.ts, where its methods are described.
class NetlinkSocket : public Napi::ObjectWrap<NetlinkSocket> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit NetlinkSocket(const Napi::CallbackInfo& info);
  ~NetlinkSocket() override;

 private:
  using Info = Napi::CallbackInfo;

  Napi::Value Fd(const Info& info);
  Napi::Value PortId(const Info& info);
  Napi::Value RefusedOptions(const Info& info);
  Napi::Value SetReceiveBuffer(const Info& info);
  Napi::Value SetSendBuffer(const Info& info);
  void Join(const Info& info);
  void Leave(const Info& info);
  Napi::Value InterfaceIndex(const Info& info);
  Napi::Value InterfaceName(const Info& info);
  void Start(const Info& info);
  void Send(const Info& info);
  void Pause(const Info& info);
  void Resume(const Info& info);
  Napi::Value ExchangeSync(const Info& info);
  Napi::Value ReceiveSync(const Info& info);
  void Ref(const Info& info);
  void Unref(const Info& info);
  void Close(const Info& info);

  Failure Open(int protocol);
  bool IsOpen(Napi::Env env, const char* syscall) const;
  bool IsStarted(Napi::Env env) const;
  bool IsSynchronous(Napi::Env env, const char* syscall) const;
  Napi::Value SetBuffer(const Info& info, int forced_option, int option);
  bool Membership(const Info& info, int option);
  Napi::Value Receive(Napi::Env env, int timeout);
  void OnTurn(Napi::Env env, const IoThread::Turn& turn);
  void SetReferenced(bool referenced);
  void Settle();
  void CloseNow(std::function<void()> ended);

  // What reports of the thread reach this object through; empty once it is closed. Touched on the JavaScript thread.
  struct Addressee {
    NetlinkSocket* socket;
  };

  const std::shared_ptr<Mailbox> mailbox_;
  FileDescriptor socket_;  // moves to the thread when that starts
  int fd_ = -1;
  uint32_t port_id_ = 0;
  std::vector<const char*> refused_options_;
  ReceiveBuffer buffer_;  // for the synchronous calls

  std::shared_ptr<IoThread> thread_;
  std::shared_ptr<Addressee> addressee_;
  bool referenced_ = false;
  size_t requests_under_way_ = 0;
  size_t groups_ = 0;
  bool more_ = false;
  bool kept_ = false;  // from garbage collection
};
