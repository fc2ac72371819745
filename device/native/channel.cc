#include "channel.h"

#include <unistd.h>

namespace glasstack {
namespace {

constexpr size_t kAlignment = 64;

/// The interface was deleted or the descriptor detached: nothing will come any more. Other errors concern one packet.
bool MeansGone(int error) { return error == EBADFD || error == EBADF || error == EFAULT || error == ENODEV; }

}  // namespace

void Channel::Start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!IsOpen(env) || poll_ != nullptr) return;
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return Throw(env, Failure{ENOSYS, "event loop"});
  auto* poll = new Poll();
  const int status = uv_poll_init(loop, &poll->handle, interface_.descriptor);
  if (status != 0) {
    delete poll;
    return Throw(env, Failure{-status, "poll"});
  }
  poll->owner = this;
  poll->handle.data = poll;
  poll_ = poll;
  // Worker threads end, and processes exit, with devices open: the handle must be off the loop by then.
  napi_add_async_cleanup_hook(env, OnCleanup, poll, &poll->hook);
  ring_ = Napi::Persistent(info[0].As<Napi::Uint8Array>());
  places_ = Napi::Persistent(info[1].As<Napi::Int32Array>());
  longest_ = info[2].As<Napi::Number>().Uint32Value();
  on_batch_ = Napi::Persistent(info[3].As<Napi::Function>());
  on_writable_ = Napi::Persistent(info[4].As<Napi::Function>());
  on_gone_ = Napi::Persistent(info[5].As<Napi::Function>());
  // An open device is reachable for the loop, so for the garbage collector too.
  Ref();
  Watch();
  if (!keep_alive_) uv_unref(reinterpret_cast<uv_handle_t*>(&poll->handle));
}

void Channel::Watch() {
  if (poll_ == nullptr) return;
  const int events = (paused_ ? 0 : UV_READABLE) | (want_writable_ ? UV_WRITABLE : 0);
  if (events == 0) {
    uv_poll_stop(&poll_->handle);
  } else {
    uv_poll_start(&poll_->handle, events, OnPoll);
  }
}

void Channel::OnPoll(uv_poll_t* handle, int status, int events) {
  Channel* channel = static_cast<Poll*>(handle->data)->owner;
  if (channel == nullptr) return;
  const Napi::HandleScope scope(channel->Env());
  // Keeps the object while its callbacks run, which may close it.
  [[maybe_unused]] const Napi::Value self = channel->Value();
  if (status < 0) return channel->ReportGone(-status);
  if ((events & UV_WRITABLE) != 0 && channel->want_writable_) {
    channel->want_writable_ = false;
    channel->Watch();
    channel->Call(channel->on_writable_, 0);
  }
  // The callback may have closed or paused.
  if ((events & UV_READABLE) != 0 && channel->poll_ != nullptr && !channel->paused_) channel->ReadBatch();
}

void Channel::ReadBatch() {
  // Asked anew for each batch: a detached buffer has length 0 and is left alone.
  Napi::Uint8Array ring = ring_.Value();
  Napi::Int32Array places = places_.Value();
  int error = 0;
  const uint32_t count =
      FillRing(ring.Data(), ring.ByteLength(), places.Data(), places.ElementLength() / 2, &error);
  if (count > 0) Call(on_batch_, count);
  if (error != 0 && poll_ != nullptr) ReportGone(error);
}

uint32_t Channel::FillRing(uint8_t* ring, size_t room, int32_t* places, size_t slots, int* error) {
  uint32_t count = 0;
  size_t offset = 0;
  size_t failures = 0;
  while (count < slots && offset + longest_ <= room && failures < slots) {
    const ssize_t size = read(interface_.descriptor, ring + offset, longest_);
    if (size <= 0) {
      if (size < 0 && errno == EAGAIN) break;
      if (size < 0 && MeansGone(errno)) {
        *error = errno;
        break;
      }
      failures += 1;
      continue;
    }
    places[2 * count] = static_cast<int32_t>(offset);
    places[2 * count + 1] = static_cast<int32_t>(size);
    count += 1;
    offset = (offset + static_cast<size_t>(size) + kAlignment - 1) & ~(kAlignment - 1);
  }
  read_failures_ += static_cast<double>(failures);
  return count;
}

Napi::Value Channel::Write(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto arena = info[0].As<Napi::Uint8Array>();
  const auto places = info[1].As<Napi::Int32Array>();
  const size_t asked = info[2].As<Napi::Number>().Uint32Value();
  const size_t count = asked <= places.ElementLength() / 2 ? asked : places.ElementLength() / 2;
  const uint8_t* bytes = arena.Data();
  const int64_t room = static_cast<int64_t>(arena.ByteLength());
  const int32_t* place = places.Data();
  // A closed device takes everything, to nowhere: whoever still sends is not made to wait for a device that never comes.
  if (interface_.descriptor < 0) return Napi::Number::New(env, static_cast<double>(count));
  size_t taken = 0;
  while (taken < count) {
    const int64_t offset = place[2 * taken];
    const int64_t length = place[2 * taken + 1];
    const bool inside = offset >= 0 && length > 0 && offset + length <= room;
    const ssize_t written = inside ? write(interface_.descriptor, bytes + offset, static_cast<size_t>(length)) : -1;
    if (written < 0) {
      const int error = inside ? errno : EFAULT;
      if (error == EINTR) continue;
      if (error == EAGAIN) {
        want_writable_ = true;
        Watch();
        break;
      }
      write_failures_ += 1;
      last_write_error_ = error;
    }
    taken += 1;
  }
  return Napi::Number::New(env, static_cast<double>(taken));
}

void Channel::Call(const Napi::FunctionReference& callback, uint32_t argument) {
  const Napi::Env env = Env();
  napi_value arguments[] = {Napi::Number::New(env, argument)};
  napi_value result = nullptr;
  const napi_status status =
      napi_make_callback(env, nullptr, Value(), callback.Value(), 1, arguments, &result);
  if (status != napi_pending_exception) return;
  // There is no JavaScript above us to catch it: the process hears of it as an uncaught exception.
  napi_value exception = nullptr;
  if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_fatal_exception(env, exception);
}

void Channel::ReportGone(int error) {
  // Before the callback, so that nothing can be asked of a dead descriptor in it.
  const Napi::FunctionReference callback = Napi::Persistent(on_gone_.Value());
  Close();
  Call(callback, static_cast<uint32_t>(error));
}

void Channel::Pause(const Napi::CallbackInfo& info) {
  paused_ = info[0].As<Napi::Boolean>().Value();
  Watch();
}

void Channel::Hold(const Napi::CallbackInfo& info) {
  keep_alive_ = info[0].As<Napi::Boolean>().Value();
  if (poll_ == nullptr) return;
  auto* handle = reinterpret_cast<uv_handle_t*>(&poll_->handle);
  if (keep_alive_) {
    uv_ref(handle);
  } else {
    uv_unref(handle);
  }
}

Napi::Value Channel::Counters(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object counters = Napi::Object::New(env);
  counters.Set("readFailures", Napi::Number::New(env, read_failures_));
  counters.Set("writeFailures", Napi::Number::New(env, write_failures_));
  counters.Set("lastWriteError", last_write_error_ == 0
                                     ? env.Undefined()
                                     : Napi::String::New(env, uv_err_name(-last_write_error_)));
  return counters;
}

void Channel::CloseFromScript(const Napi::CallbackInfo&) { Close(); }

void Channel::Close() {
  if (interface_.descriptor < 0) return;
  if (poll_ != nullptr) {
    poll_->owner = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_->handle), OnPollClosed);
    poll_ = nullptr;
    ring_.Reset();
    places_.Reset();
    on_batch_.Reset();
    on_writable_.Reset();
    on_gone_.Reset();
    Unref();
  }
  // libuv has let go of the descriptor: uv_close takes it off the loop at once.
  close(interface_.descriptor);
  close(interface_.control);
  interface_.descriptor = -1;
  interface_.control = -1;
}

void Channel::OnPollClosed(uv_handle_t* handle) {
  auto* poll = static_cast<Poll*>(handle->data);
  if (poll->hook != nullptr) napi_remove_async_cleanup_hook(poll->hook);
  delete poll;
}

void Channel::OnCleanup(napi_async_cleanup_hook_handle, void* data) {
  // An owner that is gone has begun to close; OnPollClosed tells Node in both cases.
  auto* poll = static_cast<Poll*>(data);
  if (poll->owner != nullptr) poll->owner->Close();
}

Channel::~Channel() { Close(); }

}  // namespace glasstack
