#pragma once

#include <napi.h>
#include <uv.h>

#include "open.h"

namespace glasstack {

/// An open TUN or TAP interface: packets through one descriptor, configuration through a netlink socket in the interface's
/// namespace. The JavaScript side of it is typed in device/native-addon.ts.
class Channel : public Napi::ObjectWrap<Channel> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit Channel(const Napi::CallbackInfo& info);
  ~Channel() override;

 private:
  /// What libuv holds on to. It outlives the Channel until libuv is done with the handle.
  struct Poll {
    uv_poll_t handle{};
    /// Null as soon as the channel is closed.
    Channel* owner = nullptr;
    napi_async_cleanup_hook_handle hook = nullptr;
  };

  // channel.cc: packets
  void Start(const Napi::CallbackInfo& info);
  Napi::Value Write(const Napi::CallbackInfo& info);
  void Pause(const Napi::CallbackInfo& info);
  void Hold(const Napi::CallbackInfo& info);
  void CloseFromScript(const Napi::CallbackInfo& info);
  Napi::Value Counters(const Napi::CallbackInfo& info);

  // channel-link.cc: configuration
  Napi::Value Link(const Napi::CallbackInfo& info);
  void SetLink(const Napi::CallbackInfo& info);
  Napi::Value Addresses(const Napi::CallbackInfo& info);
  void AddInterfaceAddress(const Napi::CallbackInfo& info);
  void RemoveInterfaceAddress(const Napi::CallbackInfo& info);
  bool IsOpen(Napi::Env env) const;

  static void OnPoll(uv_poll_t* handle, int status, int events);
  static void OnCleanup(napi_async_cleanup_hook_handle hook, void* poll);
  static void OnPollClosed(uv_handle_t* handle);
  /// Tells libuv which events are wanted now.
  void Watch();
  void ReadBatch();
  /// Reads packets into the ring; `*error` is set when the interface is gone.
  uint32_t FillRing(uint8_t* ring, size_t room, int32_t* places, size_t slots, int* error);
  void Call(const Napi::FunctionReference& callback, uint32_t argument);
  void ReportGone(int error);
  void Close();

  OpenedInterface interface_;
  Poll* poll_ = nullptr;
  bool paused_ = false;
  bool want_writable_ = false;
  bool keep_alive_ = true;

  Napi::Reference<Napi::Uint8Array> ring_;
  Napi::Reference<Napi::Int32Array> places_;
  size_t longest_ = 0;
  Napi::FunctionReference on_batch_;
  Napi::FunctionReference on_writable_;
  Napi::FunctionReference on_gone_;

  double read_failures_ = 0;
  double write_failures_ = 0;
  int last_write_error_ = 0;
};

}  // namespace glasstack
