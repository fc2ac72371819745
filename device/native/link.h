#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "failure.h"

namespace glasstack {

/// The kernel's side of an interface.
struct LinkState {
  uint32_t mtu = 0;
  uint32_t queue_length = 0;
  bool up = false;
  /// Six bytes, or empty (TUN).
  std::vector<uint8_t> hardware_address;
};

struct LinkAddress {
  std::string text;
  int prefix_length = 0;
};

/// Changes are by value: a field that is unset stays as it is.
struct LinkChange {
  bool set_mtu = false;
  uint32_t mtu = 0;
  bool set_queue_length = false;
  uint32_t queue_length = 0;
  bool set_up = false;
  bool up = false;
  std::vector<uint8_t> hardware_address;
};

Failure ReadLink(int control, int index, LinkState* state);
Failure ChangeLink(int control, int index, const LinkChange& change);
Failure ReadAddresses(int control, int index, std::vector<LinkAddress>* addresses);
/// EINVAL if `address` is neither IPv4 nor IPv6 text or the prefix is too long.
Failure AddAddress(int control, int index, const LinkAddress& address);
Failure RemoveAddress(int control, int index, const LinkAddress& address);

}  // namespace glasstack
