#include "open.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>

#include "namespaces.h"
#include "netlink.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

namespace glasstack {
namespace {

/// What the kernel uses until TUNSETVNETHDRSZ says otherwise.
constexpr int kLegacyHeaderSize = 10;

Failure CreateInterface(const OpenRequest& request, OpenedInterface* opened) {
  ifreq interface{};
  strncpy(interface.ifr_name, request.name.c_str(), IFNAMSIZ - 1);
  const int base = (request.ethernet ? IFF_TAP : IFF_TUN) | IFF_NO_PI;
  unsigned features = 0;
  ioctl(opened->descriptor, TUNGETFEATURES, &features);
  const bool header = request.offload && (features & IFF_VNET_HDR) != 0;
  interface.ifr_flags = static_cast<short>(header ? base | IFF_VNET_HDR : base);
  if (ioctl(opened->descriptor, TUNSETIFF, &interface) != 0) {
    const Failure failure = FailedAt("TUNSETIFF");
    // EINVAL is what the kernel says of a name that an interface of another kind has.
    if (failure.error == EINVAL && if_nametoindex(request.name.c_str()) != 0) return Failure{EBUSY, "TUNSETIFF"};
    return failure;
  }
  opened->name = interface.ifr_name;
  opened->header_size = header ? kLegacyHeaderSize : 0;
  return {};
}

/// Fewer and fewer offloads until the kernel takes them; without any, the header still carries checksums outwards.
void NegotiateOffloads(const OpenRequest& request, OpenedInterface* opened) {
  if (opened->header_size == 0) return;
  // The header's fields are little-endian on every machine then; a kernel without it is little-endian itself.
  int yes = 1;
  ioctl(opened->descriptor, TUNSETVNETLE, &yes);
  int size = request.header_size;
  if (ioctl(opened->descriptor, TUNSETVNETHDRSZ, &size) == 0) opened->header_size = size;
  const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  const unsigned attempts[] = {request.udp_segmentation ? tcp | TUN_F_USO4 | TUN_F_USO6 : tcp, tcp,
                               TUN_F_CSUM | TUN_F_TSO4, TUN_F_CSUM};
  for (const unsigned offloads : attempts) {
    if (ioctl(opened->descriptor, TUNSETOFFLOAD, static_cast<unsigned long>(offloads)) == 0) {
      opened->granted = offloads;
      return;
    }
  }
}

Failure OpenHere(const OpenRequest& request, OpenedInterface* opened) {
  opened->descriptor = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (opened->descriptor < 0) return FailedAt("/dev/net/tun");
  if (const Failure failure = CreateInterface(request, opened)) return failure;
  NegotiateOffloads(request, opened);
  opened->index = static_cast<int>(if_nametoindex(opened->name.c_str()));
  if (opened->index == 0) return FailedAt("interface index");
  return OpenNetlink(&opened->control);
}

}  // namespace

Failure OpenInterface(const OpenRequest& request, OpenedInterface* opened) {
  const Failure failure = RunInNamespace(request.namespace_path, [&]() { return OpenHere(request, opened); });
  if (!failure) return failure;
  if (opened->descriptor >= 0) close(opened->descriptor);
  if (opened->control >= 0) close(opened->control);
  opened->descriptor = -1;
  opened->control = -1;
  return failure;
}

}  // namespace glasstack
