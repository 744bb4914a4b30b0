/* LD_PRELOAD for t/health-hung.t: while the file that HANGING_DISK names is there, who asks how full
 * the file system of HANGING_PATH is waits for the answer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void hang(const char* path) {
  const char* hanging = getenv("HANGING_PATH");
  const char* file = getenv("HANGING_DISK");
  if (hanging == NULL || file == NULL || strcmp(path, hanging) != 0) return;
  while (access(file, F_OK) == 0) usleep(10000);
}

int statvfs(const char* path, struct statvfs* found) {
  int (*real)(const char*, struct statvfs*) = dlsym(RTLD_NEXT, "statvfs");
  hang(path);
  return real(path, found);
}

int statvfs64(const char* path, struct statvfs64* found) {
  int (*real)(const char*, struct statvfs64*) = dlsym(RTLD_NEXT, "statvfs64");
  hang(path);
  return real(path, found);
}
