#include <linux/if_tun.h>

#include "channel.h"
#include "link.h"

namespace glasstack {
namespace {

std::string TextOf(const Napi::Object& options, const char* key) {
  const Napi::Value value = options.Get(key);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

bool FlagOf(const Napi::Object& options, const char* key) {
  const Napi::Value value = options.Get(key);
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

LinkAddress AddressOf(const Napi::CallbackInfo& info) {
  return LinkAddress{info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::Number>().Int32Value()};
}

}  // namespace

Napi::Function Channel::Define(Napi::Env env) {
  return DefineClass(env, "Channel",
                     {
                         InstanceMethod<&Channel::Start>("start"),
                         InstanceMethod<&Channel::Write>("write"),
                         InstanceMethod<&Channel::Pause>("pause"),
                         InstanceMethod<&Channel::Hold>("hold"),
                         InstanceMethod<&Channel::CloseFromScript>("close"),
                         InstanceMethod<&Channel::Counters>("counters"),
                         InstanceMethod<&Channel::Link>("link"),
                         InstanceMethod<&Channel::SetLink>("setLink"),
                         InstanceMethod<&Channel::Addresses>("addresses"),
                         InstanceMethod<&Channel::AddInterfaceAddress>("addAddress"),
                         InstanceMethod<&Channel::RemoveInterfaceAddress>("removeAddress"),
                     });
}

Channel::Channel(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Channel>(info) {
  const Napi::Env env = info.Env();
  const auto options = info[0].As<Napi::Object>();
  OpenRequest request;
  request.ethernet = FlagOf(options, "ethernet");
  request.name = TextOf(options, "name");
  request.namespace_path = TextOf(options, "namespacePath");
  request.offload = FlagOf(options, "offload");
  request.udp_segmentation = FlagOf(options, "udpSegmentation");
  request.header_size = options.Get("headerSize").As<Napi::Number>().Int32Value();
  if (const Failure failure = OpenInterface(request, &interface_)) {
    Throw(env, failure);
    return;
  }
  Napi::Object self = info.This().As<Napi::Object>();
  self.Set("name", Napi::String::New(env, interface_.name));
  self.Set("headerSize", Napi::Number::New(env, interface_.header_size));
  self.Set("checksumOffload", Napi::Boolean::New(env, (interface_.granted & TUN_F_CSUM) != 0));
  self.Set("tso4", Napi::Boolean::New(env, (interface_.granted & TUN_F_TSO4) != 0));
  self.Set("tso6", Napi::Boolean::New(env, (interface_.granted & TUN_F_TSO6) != 0));
}

bool Channel::IsOpen(Napi::Env env) const {
  if (interface_.descriptor >= 0) return true;
  Throw(env, Failure{EBADF, "closed"});
  return false;
}

Napi::Value Channel::Link(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!IsOpen(env)) return env.Undefined();
  LinkState state;
  if (const Failure failure = ReadLink(interface_.control, interface_.index, &state)) {
    Throw(env, failure);
    return env.Undefined();
  }
  Napi::Object link = Napi::Object::New(env);
  link.Set("mtu", Napi::Number::New(env, state.mtu));
  link.Set("queueLength", Napi::Number::New(env, state.queue_length));
  link.Set("up", Napi::Boolean::New(env, state.up));
  Napi::Array address = Napi::Array::New(env);
  for (size_t at = 0; at < state.hardware_address.size(); at += 1) {
    address.Set(static_cast<uint32_t>(at), Napi::Number::New(env, state.hardware_address[at]));
  }
  link.Set("hardwareAddress", address);
  return link;
}

void Channel::SetLink(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!IsOpen(env)) return;
  const auto options = info[0].As<Napi::Object>();
  LinkChange change;
  if (const Napi::Value mtu = options.Get("mtu"); mtu.IsNumber()) {
    change.set_mtu = true;
    change.mtu = mtu.As<Napi::Number>().Uint32Value();
  }
  if (const Napi::Value length = options.Get("queueLength"); length.IsNumber()) {
    change.set_queue_length = true;
    change.queue_length = length.As<Napi::Number>().Uint32Value();
  }
  if (const Napi::Value up = options.Get("up"); up.IsBoolean()) {
    change.set_up = true;
    change.up = up.As<Napi::Boolean>().Value();
  }
  if (const Napi::Value bytes = options.Get("hardwareAddress"); bytes.IsArray()) {
    const auto address = bytes.As<Napi::Array>();
    for (uint32_t at = 0; at < address.Length(); at += 1) {
      const Napi::Value byte = address.Get(at);
      change.hardware_address.push_back(static_cast<uint8_t>(byte.As<Napi::Number>().Uint32Value()));
    }
  }
  if (const Failure failure = ChangeLink(interface_.control, interface_.index, change)) Throw(env, failure);
}

Napi::Value Channel::Addresses(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!IsOpen(env)) return env.Undefined();
  std::vector<LinkAddress> addresses;
  if (const Failure failure = ReadAddresses(interface_.control, interface_.index, &addresses)) {
    Throw(env, failure);
    return env.Undefined();
  }
  Napi::Array list = Napi::Array::New(env, addresses.size());
  for (uint32_t at = 0; at < addresses.size(); at += 1) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("address", Napi::String::New(env, addresses[at].text));
    entry.Set("prefixLength", Napi::Number::New(env, addresses[at].prefix_length));
    list.Set(at, entry);
  }
  return list;
}

void Channel::AddInterfaceAddress(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!IsOpen(env)) return;
  const LinkAddress address = AddressOf(info);
  if (const Failure failure = AddAddress(interface_.control, interface_.index, address)) Throw(env, failure);
}

void Channel::RemoveInterfaceAddress(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!IsOpen(env)) return;
  const LinkAddress address = AddressOf(info);
  if (const Failure failure = RemoveAddress(interface_.control, interface_.index, address)) Throw(env, failure);
}

}  // namespace glasstack
