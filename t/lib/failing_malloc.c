/* LD_PRELOAD for t/no-memory.t: while the file that FAILING_MALLOC names is there, every 25th time
 * that nginx, its modules or libstdc++ ask for memory there is none. In processes that began
 * before; libraries have their own ways to bear it, or not. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EVERY = 25, LOOK = 64 };

static char path[4096];
static pid_t process;
static int late, on;
static uint64_t state;
static unsigned asked;

__attribute__((constructor)) static void begin(void) {
  const char* name = getenv("FAILING_MALLOC");
  if (name != NULL && strlen(name) < sizeof path) strcpy(path, name);
}

static int fails(const void* caller) {
  Dl_info about;
  if (path[0] == '\0') return 0;
  if (process != getpid()) {
    process = getpid();
    late = access(path, F_OK) == 0;
    state = 0x9e3779b97f4a7c15u * (uint64_t)process;
  }
  if (late) return 0;
  if (asked++ % LOOK == 0) on = access(path, F_OK) == 0;
  if (!on) return 0;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  if (state % EVERY != 0) return 0;
  if (!dladdr(caller, &about) || about.dli_fname == NULL) return 0;
  if (!strstr(about.dli_fname, "nginx") && !strstr(about.dli_fname, "ngx_") &&
      !strstr(about.dli_fname, "libstdc++"))
    return 0;
  errno = ENOMEM;
  return 1;
}

void* malloc(size_t size) {
  static void* (*next)(size_t);
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "malloc");
  return fails(__builtin_return_address(0)) ? NULL : next(size);
}

void* realloc(void* memory, size_t size) {
  static void* (*next)(void*, size_t);
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "realloc");
  return fails(__builtin_return_address(0)) ? NULL : next(memory, size);
}

int posix_memalign(void** memory, size_t alignment, size_t size) {
  static int (*next)(void**, size_t, size_t);
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "posix_memalign");
  return fails(__builtin_return_address(0)) ? ENOMEM : next(memory, alignment, size);
}
