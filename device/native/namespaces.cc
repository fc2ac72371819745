#include "namespaces.h"

#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace glasstack {
namespace {

constexpr const char* kDirectory = "/run/netns";

struct ThreadWork {
  const std::function<Failure()>* work;
  Failure failure;
};

void* RunThreadWork(void* argument) {
  auto* task = static_cast<ThreadWork*>(argument);
  task->failure = (*task->work)();
  return nullptr;
}

Failure RunInFreshThread(const std::function<Failure()>& work) {
  ThreadWork task{&work, {}};
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, RunThreadWork, &task);
  if (error != 0) return Failure{error, "thread"};
  pthread_join(thread, nullptr);
  return task.failure;
}

Failure RaiseLoopback() {
  const int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (control < 0) return FailedAt("loopback");
  ifreq request{};
  strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool raised = ioctl(control, SIOCSIFFLAGS, &request) == 0;
  const Failure failure = raised ? Failure{} : FailedAt("loopback");
  close(control);
  return failure;
}

/// Makes /run/netns a shared mount as iproute2 does: a namespace mounted or unmounted there is then seen, and freed, in all
/// mount namespaces.
Failure PrepareDirectory() {
  if (mkdir(kDirectory, 0755) != 0 && errno != EEXIST) return FailedAt("directory");
  bool bound = false;
  while (mount("", kDirectory, "none", MS_SHARED | MS_REC, nullptr) != 0) {
    // EINVAL: not a mount point yet. Bind it on itself, once.
    if (errno != EINVAL || bound) return FailedAt("shared mount");
    if (mount(kDirectory, kDirectory, "none", MS_BIND | MS_REC, nullptr) != 0) return FailedAt("shared mount");
    bound = true;
  }
  return {};
}

/// Keeps others, iproute2 among them, from preparing the directory at the same time.
class DirectoryLock {
 public:
  DirectoryLock() : descriptor_(open(kDirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (descriptor_ >= 0) flock(descriptor_, LOCK_EX);
  }
  ~DirectoryLock() {
    if (descriptor_ >= 0) close(descriptor_);
  }

 private:
  int descriptor_;
};

Failure UnshareAndMount(const std::string& path) {
  if (unshare(CLONE_NEWNET) != 0) return FailedAt("unshare");
  // This thread's namespace, not the process's: /proc/self would name the main thread's.
  if (mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr) != 0) return FailedAt("mount");
  const Failure failure = RaiseLoopback();
  if (failure) umount2(path.c_str(), MNT_DETACH);
  return failure;
}

}  // namespace

Failure RunInNamespace(const std::string& path, const std::function<Failure()>& work) {
  if (path.empty()) return work();
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return FailedAt("namespace");
  const std::function<Failure()> inside = [&]() -> Failure {
    if (setns(descriptor, CLONE_NEWNET) != 0) return FailedAt("setns");
    return work();
  };
  const Failure failure = RunInFreshThread(inside);
  close(descriptor);
  return failure;
}

Failure CreateNamespace(const std::string& name) {
  if (mkdir(kDirectory, 0755) != 0 && errno != EEXIST) return FailedAt("directory");
  {
    const DirectoryLock lock;
    if (const Failure failure = PrepareDirectory()) return failure;
  }
  const std::string path = std::string(kDirectory) + "/" + name;
  const int place = open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
  if (place < 0) return FailedAt("create");
  close(place);
  const Failure failure = RunInFreshThread([&]() -> Failure { return UnshareAndMount(path); });
  if (failure) unlink(path.c_str());
  return failure;
}

Failure DeleteNamespace(const std::string& name) {
  const std::string path = std::string(kDirectory) + "/" + name;
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) return FailedAt("namespace");
  // EINVAL: a name whose mount is gone already; its file is still to be removed.
  if (umount2(path.c_str(), MNT_DETACH) != 0 && errno != EINVAL) return FailedAt("unmount");
  if (unlink(path.c_str()) != 0) return FailedAt("unlink");
  return {};
}

}  // namespace glasstack
