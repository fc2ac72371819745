#pragma once

#include <functional>
#include <string>

#include "failure.h"

namespace glasstack {

/// Runs `work` in the network namespace at `path` (a file such as /run/netns/NAME); in the caller's own if `path` is empty.
/// A thread made for it enters the namespace and ends, so the caller's thread never leaves its own.
Failure RunInNamespace(const std::string& path, const std::function<Failure()>& work);

/// `ip netns add`, with the loopback interface brought up.
Failure CreateNamespace(const std::string& name);

/// `ip netns del`.
Failure DeleteNamespace(const std::string& name);

}  // namespace glasstack
