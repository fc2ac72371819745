#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstdint>
#include <functional>

#include "failure.h"

namespace glasstack {

/// A route netlink socket in the calling thread's network namespace.
Failure OpenNetlink(int* descriptor);

/// One rtnetlink request: a message type's fixed part and attributes behind it.
class NetlinkRequest {
 public:
  NetlinkRequest(uint16_t type, uint16_t flags);

  /// Room for the fixed part (ifinfomsg, ifaddrmsg), zeroed. Call it first, once.
  template <typename Body>
  Body* AddBody() {
    return static_cast<Body*>(Extend(sizeof(Body)));
  }
  void AddAttribute(uint16_t type, const void* value, size_t size);

  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(bytes_); }

 private:
  void* Extend(size_t size);
  alignas(NLMSG_ALIGNTO) unsigned char bytes_[512] = {};
};

/// Sends the request and hands each message of the answer to `take`, until the kernel says that it is done.
Failure Exchange(int descriptor, NetlinkRequest* request, const char* step,
                 const std::function<void(const nlmsghdr*)>& take = nullptr);

}  // namespace glasstack
