#include <napi.h>

#include "channel.h"
#include "namespaces.h"

namespace glasstack {
namespace {

void CreateNamespaceFromScript(const Napi::CallbackInfo& info) {
  if (const Failure failure = CreateNamespace(info[0].As<Napi::String>().Utf8Value())) Throw(info.Env(), failure);
}

void DeleteNamespaceFromScript(const Napi::CallbackInfo& info) {
  if (const Failure failure = DeleteNamespace(info[0].As<Napi::String>().Utf8Value())) Throw(info.Env(), failure);
}

/// Once for each thread that loads the addon; nothing is shared between them.
Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("Channel", Channel::Define(env));
  exports.Set("createNamespace", Napi::Function::New(env, CreateNamespaceFromScript));
  exports.Set("deleteNamespace", Napi::Function::New(env, DeleteNamespaceFromScript));
  return exports;
}

}  // namespace
}  // namespace glasstack

static Napi::Object InitializeAddon(Napi::Env env, Napi::Object exports) {
  return glasstack::Initialize(env, exports);
}

NODE_API_MODULE(glasstack_tun, InitializeAddon)
