#pragma once

#include <string>

#include "failure.h"

namespace glasstack {

/// What to open; see `OpenOptions` in device/native-addon.ts.
struct OpenRequest {
  bool ethernet = false;
  /// Empty: the kernel chooses.
  std::string name;
  /// Empty: the caller's network namespace.
  std::string namespace_path;
  bool offload = true;
  /// Ask also for UDP super-packets (the stack does not take them yet).
  bool udp_segmentation = false;
  int header_size = 12;
};

struct OpenedInterface {
  /// The TUN or TAP descriptor, non-blocking.
  int descriptor = -1;
  /// A netlink socket in the interface's namespace; it stays there whatever the caller's is.
  int control = -1;
  std::string name;
  int index = 0;
  /// Bytes of virtio_net_hdr in front of each packet; 0: none.
  int header_size = 0;
  /// TUN_F_… bits that the kernel took.
  unsigned granted = 0;
};

/// On failure nothing stays open.
Failure OpenInterface(const OpenRequest& request, OpenedInterface* opened);

}  // namespace glasstack
