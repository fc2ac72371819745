#include "netlink.h"

#include <sys/socket.h>
#include <unistd.h>

#include <ctime>
#include <vector>

namespace glasstack {
namespace {

/// Tells this request's answer from one to an earlier request that was given up half-way.
uint32_t FreshSequence() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint32_t>(now.tv_sec * 1000000000LL + now.tv_nsec) | 1U;
}

enum class Progress { kMore, kDone, kFailed };

/// Walks over the messages of one datagram. On kFailed `error` says why.
Progress TakeMessages(const unsigned char* bytes, size_t size, uint32_t sequence,
                      const std::function<void(const nlmsghdr*)>& take, int* error) {
  auto* message = reinterpret_cast<const nlmsghdr*>(bytes);
  for (; NLMSG_OK(message, size); message = NLMSG_NEXT(message, size)) {
    if (message->nlmsg_seq != sequence) continue;
    if (message->nlmsg_type == NLMSG_DONE) return Progress::kDone;
    if (message->nlmsg_type == NLMSG_ERROR) {
      *error = -static_cast<const nlmsgerr*>(NLMSG_DATA(message))->error;
      return *error == 0 ? Progress::kDone : Progress::kFailed;
    }
    if (take) take(message);
  }
  return Progress::kMore;
}

}  // namespace

Failure OpenNetlink(int* descriptor) {
  *descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (*descriptor < 0) return FailedAt("netlink");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (bind(*descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return FailedAt("netlink");
  return {};
}

NetlinkRequest::NetlinkRequest(uint16_t type, uint16_t flags) {
  header()->nlmsg_len = NLMSG_HDRLEN;
  header()->nlmsg_type = type;
  header()->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
}

void* NetlinkRequest::Extend(size_t size) {
  // All requests here are a few dozen bytes; the buffer holds ten times that.
  void* place = bytes_ + NLMSG_ALIGN(header()->nlmsg_len);
  header()->nlmsg_len = static_cast<uint32_t>(NLMSG_ALIGN(header()->nlmsg_len) + size);
  return place;
}

void NetlinkRequest::AddAttribute(uint16_t type, const void* value, size_t size) {
  auto* attribute = static_cast<rtattr*>(Extend(RTA_LENGTH(size)));
  attribute->rta_type = type;
  attribute->rta_len = static_cast<uint16_t>(RTA_LENGTH(size));
  memcpy(RTA_DATA(attribute), value, size);
}

Failure Exchange(int descriptor, NetlinkRequest* request, const char* step,
                 const std::function<void(const nlmsghdr*)>& take) {
  nlmsghdr* header = request->header();
  header->nlmsg_seq = FreshSequence();
  // A dump ends with NLMSG_DONE by itself; anything else is asked to be acknowledged.
  if ((header->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) header->nlmsg_flags |= NLM_F_ACK;
  if (send(descriptor, header, header->nlmsg_len, 0) < 0) return FailedAt(step);
  std::vector<unsigned char> answer(32768);
  for (;;) {
    const ssize_t size = recv(descriptor, answer.data(), answer.size(), 0);
    if (size < 0) {
      if (errno == EINTR) continue;
      return FailedAt(step);
    }
    int error = 0;
    const Progress progress = TakeMessages(answer.data(), static_cast<size_t>(size), header->nlmsg_seq, take, &error);
    if (progress == Progress::kDone) return {};
    if (progress == Progress::kFailed) return Failure{error, step};
  }
}

}  // namespace glasstack
