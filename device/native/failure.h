#pragma once

#include <napi.h>
#include <uv.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace glasstack {

/// What went wrong below the JavaScript: an errno and the step that gave it. `error == 0` is success.
/// The words for people are put together in device/device-error.ts.
struct Failure {
  int error = 0;
  const char* step = "";

  explicit operator bool() const { return error != 0; }
};

inline Failure FailedAt(const char* step) { return Failure{errno, step}; }

/// An `Error` with `code` ('EPERM'), `errno` (a positive number) and `step`.
inline Napi::Error ErrorOf(Napi::Env env, const Failure& failure) {
  const std::string message = std::string(failure.step) + ": " + strerror(failure.error);
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, uv_err_name(-failure.error)));
  error.Set("errno", Napi::Number::New(env, failure.error));
  error.Set("step", Napi::String::New(env, failure.step));
  return error;
}

inline void Throw(Napi::Env env, const Failure& failure) { ErrorOf(env, failure).ThrowAsJavaScriptException(); }

}  // namespace glasstack
