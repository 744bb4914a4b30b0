#include "ngx/worker_user.h"

#include <sys/stat.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "ngx/config.h"

namespace guard::ngx {

namespace {

struct Identity {
  uid_t user;
  gid_t group;
  const char* name;
};

Identity worker_identity(ngx_conf_t* cf) noexcept {
  const auto* core =
      reinterpret_cast<const ngx_core_conf_t*>(ngx_get_conf(cf->cycle->conf_ctx, ngx_core_module));
  if (geteuid() != 0) return {geteuid(), getegid(), ""};
  if (core->user != static_cast<ngx_uid_t>(NGX_CONF_UNSET_UINT)) {
    return {core->user, core->group, core->username};
  }
  // The directive is missing, or stands behind this one.
  const passwd* entry = getpwnam(NGX_USER);
  if (entry == nullptr) return {0, 0, NGX_USER};
  return {entry->pw_uid, entry->pw_gid, NGX_USER};
}

// What the kernel makes a process that becomes somebody else forget, even for a moment: the signal
// that it is to get when its parent dies, and that it may dump core.
class KeptByKernel {
 public:
  KeptByKernel() noexcept {
#if defined(__linux__)
    prctl(PR_GET_PDEATHSIG, &parent_death_);
    dumpable_ = prctl(PR_GET_DUMPABLE);
#endif
  }
  ~KeptByKernel() {
#if defined(__linux__)
    prctl(PR_SET_PDEATHSIG, parent_death_);
    if (dumpable_ == 0 || dumpable_ == 1) prctl(PR_SET_DUMPABLE, dumpable_);
#endif
  }
  KeptByKernel(const KeptByKernel&) = delete;
  KeptByKernel& operator=(const KeptByKernel&) = delete;

 private:
  int parent_death_ = 0;
  int dumpable_ = 0;
};

std::string told(const Identity& worker) {
  if (*worker.name == '\0') return "workers";
  return "the workers' user \"" + std::string(worker.name) + "\"";
}

// What the kernel has against that user's access; 0: nothing.
int errno_of(ngx_conf_t* cf, const Identity& worker, const char* path, int mode) noexcept {
  const auto ask = [&] { return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 ? 0 : ngx_errno; };
  if (geteuid() != 0 || worker.user == 0) return ask();
  // The kernel knows best, so become that user for the question.
  const KeptByKernel kept;
  int error = EACCES;
  std::array<gid_t, 256> groups;
  const int count = getgroups(static_cast<int>(groups.size()), groups.data());
  const gid_t own_group = getegid();
  if (count >= 0 && initgroups(worker.name, worker.group) == 0 && setegid(worker.group) == 0) {
    if (seteuid(worker.user) == 0) {
      error = ask();
      if (seteuid(0) != 0) ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno, "seteuid(0) failed");
    }
  }
  if (setegid(own_group) != 0 ||
      (count >= 0 && setgroups(static_cast<std::size_t>(count), groups.data()) != 0)) {
    ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno, "setgroups() failed");
  }
  return error;
}

}  // namespace

std::string_view worker_user(ngx_conf_t* cf) noexcept {
  return worker_identity(cf).name;
}

DirectoryAccess worker_access(ngx_conf_t* cf, const char* path) noexcept {
  const Identity worker = worker_identity(cf);
  DirectoryAccess access;
  struct stat info {};
  if (stat(path, &info) == 0) {
    access.sticky = (info.st_mode & S_ISVTX) != 0 && worker.user != 0 && info.st_uid != worker.user;
  }
  access.writable = errno_of(cf, worker, path, W_OK | X_OK) == 0;
  return access;
}

void give_to_workers(ngx_conf_t* cf, int file) noexcept {
  if (geteuid() != 0) return;
  if (fchown(file, worker_identity(cf).user, static_cast<gid_t>(-1)) != 0) {
    ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno, "fchown() failed");
  }
}

void warn_of_unseen(ngx_conf_t* cf, std::string_view file) {
  const std::string path(file);
  struct stat info {};
  if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    warn(cf, "\"" + path + "\" is there, as a directory: name a file that is made and removed");
    return;
  }
  const std::string folder(file.substr(0, std::max<std::size_t>(file.rfind('/'), 1)));
  const Identity worker = worker_identity(cf);
  const int error = errno_of(cf, worker, folder.c_str(), X_OK);
  if (error == 0) return;
  warn(cf,
       "\"" + std::string(file) + "\" would not be seen: " +
           (error == EACCES ? told(worker) + " may not search \"" : "there is no directory \"") +
           folder + "\"");
}

void warn_of_missing(ngx_conf_t* cf, std::string_view file, std::string_view owner, bool to_read) {
  const std::string path(file);
  const Identity worker = worker_identity(cf);
  const int error = errno_of(cf, worker, path.c_str(), to_read ? R_OK : F_OK);
  if (error == 0) return;
  warn(cf, "\"" + path + "\" of " + std::string(owner) + " cannot be " +
               (to_read ? "read" : "seen") + " by " + told(worker) + ": " + strerrordesc_np(error));
}

}  // namespace guard::ngx
