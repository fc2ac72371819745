#include "link.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>

#include "netlink.h"

namespace glasstack {
namespace {

/// An address in network byte order.
struct BinaryAddress {
  unsigned char family = 0;
  unsigned char bytes[16] = {};
  size_t size = 0;
};

bool ParseAddress(const LinkAddress& address, BinaryAddress* binary) {
  const bool four = address.text.find(':') == std::string::npos;
  binary->family = four ? AF_INET : AF_INET6;
  binary->size = four ? 4 : 16;
  const int longest = four ? 32 : 128;
  if (address.prefix_length < 0 || address.prefix_length > longest) return false;
  return inet_pton(binary->family, address.text.c_str(), binary->bytes) == 1;
}

Failure ChangeAddress(int control, int index, const LinkAddress& address, uint16_t type, uint16_t flags,
                      const char* step) {
  BinaryAddress binary;
  if (!ParseAddress(address, &binary)) return Failure{EINVAL, step};
  NetlinkRequest request(type, flags);
  auto* body = request.AddBody<ifaddrmsg>();
  body->ifa_family = binary.family;
  body->ifa_prefixlen = static_cast<unsigned char>(address.prefix_length);
  // Duplicate address detection would keep a fresh IPv6 address of a TAP unusable for a second or more.
  if (binary.family == AF_INET6) body->ifa_flags = IFA_F_NODAD;
  body->ifa_index = static_cast<uint32_t>(index);
  request.AddAttribute(IFA_LOCAL, binary.bytes, binary.size);
  request.AddAttribute(IFA_ADDRESS, binary.bytes, binary.size);
  return Exchange(control, &request, step);
}

void TakeLink(const nlmsghdr* message, LinkState* state) {
  if (message->nlmsg_type != RTM_NEWLINK) return;
  auto* body = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
  state->up = (body->ifi_flags & IFF_UP) != 0;
  int left = static_cast<int>(IFLA_PAYLOAD(message));
  for (auto* field = IFLA_RTA(body); RTA_OK(field, left); field = RTA_NEXT(field, left)) {
    auto* value = static_cast<const uint8_t*>(RTA_DATA(field));
    if (field->rta_type == IFLA_MTU) memcpy(&state->mtu, value, sizeof state->mtu);
    if (field->rta_type == IFLA_TXQLEN) memcpy(&state->queue_length, value, sizeof state->queue_length);
    if (field->rta_type == IFLA_ADDRESS) state->hardware_address.assign(value, value + RTA_PAYLOAD(field));
  }
}

void TakeAddress(const nlmsghdr* message, int index, std::vector<LinkAddress>* addresses) {
  if (message->nlmsg_type != RTM_NEWADDR) return;
  auto* body = static_cast<const ifaddrmsg*>(NLMSG_DATA(message));
  if (static_cast<int>(body->ifa_index) != index) return;
  const void* found = nullptr;
  int left = static_cast<int>(IFA_PAYLOAD(message));
  for (auto* field = IFA_RTA(body); RTA_OK(field, left); field = RTA_NEXT(field, left)) {
    // IFA_LOCAL is the interface's own address where IFA_ADDRESS is the peer's; IPv6 has often only the latter.
    if (field->rta_type == IFA_LOCAL) found = RTA_DATA(field);
    if (field->rta_type == IFA_ADDRESS && found == nullptr) found = RTA_DATA(field);
  }
  char text[INET6_ADDRSTRLEN];
  if (found == nullptr || inet_ntop(body->ifa_family, found, text, sizeof text) == nullptr) return;
  addresses->push_back(LinkAddress{text, body->ifa_prefixlen});
}

}  // namespace

Failure ReadLink(int control, int index, LinkState* state) {
  NetlinkRequest request(RTM_GETLINK, 0);
  auto* body = request.AddBody<ifinfomsg>();
  body->ifi_index = index;
  return Exchange(control, &request, "read link", [&](const nlmsghdr* message) { TakeLink(message, state); });
}

Failure ChangeLink(int control, int index, const LinkChange& change) {
  NetlinkRequest request(RTM_NEWLINK, 0);
  auto* body = request.AddBody<ifinfomsg>();
  body->ifi_index = index;
  if (change.set_up) {
    body->ifi_change = IFF_UP;
    body->ifi_flags = change.up ? IFF_UP : 0;
  }
  if (change.set_mtu) request.AddAttribute(IFLA_MTU, &change.mtu, sizeof change.mtu);
  if (change.set_queue_length) {
    request.AddAttribute(IFLA_TXQLEN, &change.queue_length, sizeof change.queue_length);
  }
  if (!change.hardware_address.empty()) {
    request.AddAttribute(IFLA_ADDRESS, change.hardware_address.data(), change.hardware_address.size());
  }
  return Exchange(control, &request, "change link");
}

Failure ReadAddresses(int control, int index, std::vector<LinkAddress>* addresses) {
  NetlinkRequest request(RTM_GETADDR, NLM_F_DUMP);
  request.AddBody<ifaddrmsg>();
  return Exchange(control, &request, "read addresses",
                  [&](const nlmsghdr* message) { TakeAddress(message, index, addresses); });
}

Failure AddAddress(int control, int index, const LinkAddress& address) {
  return ChangeAddress(control, index, address, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, "add address");
}

Failure RemoveAddress(int control, int index, const LinkAddress& address) {
  return ChangeAddress(control, index, address, RTM_DELADDR, 0, "remove address");
}

}  // namespace glasstack
