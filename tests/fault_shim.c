// A library for LD_PRELOAD with which scripts/torture.py lets a program meet what happens to
// programs: its end at any write, a disk that is full or read-only, a clock that is set. It counts
// the calls that change files below one folder.
//
//   SCIMIX_FAULT_ROOT  the folder; without it the library does nothing
//   SCIMIX_FAULT_LOG   a file outside of it: "fault N CALL PATH" when the fault happens, and
//                      "calls N" at the program's end
//   SCIMIX_FAULT_AT    the call at which the fault happens, counted from 1
//   SCIMIX_FAULT       none        nothing happens, and each call is logged: "call N CALL PATH"
//                      kill        SIGKILL before the call
//                      half        SIGKILL in the middle of a write, before any other call
//                      full        from this call on, no byte fits on the disk (ENOSPC)
//                      read-only   from this call on, the file system is read-only (EROFS)
//                      clock       from this call on, the clock is SCIMIX_FAULT_CLOCK seconds off
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static long calls;
static long fault_at = -1;
static const char* root;
static const char* kind = "";
static long clock_offset;
static int clock_is_off;

// Functions of the C library that this one stands before.
#define NEXT(result, name, ...)                                       \
  static result (*next)(__VA_ARGS__);                                 \
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, #name)

static void note(const char* format, ...) {
  const char* path = getenv("SCIMIX_FAULT_LOG");
  if (path == NULL) return;
  NEXT(ssize_t, write, int, const void*, size_t);
  static int (*next_open)(const char*, int, ...);
  if (next_open == NULL) *(void**)&next_open = dlsym(RTLD_NEXT, "open");
  int file = next_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) return;
  char line[8192];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  if (length > (int)sizeof(line) - 1) length = (int)sizeof(line) - 1;
  if (next(file, line, (size_t)length) < 0) abort();
  close(file);
}

__attribute__((constructor)) static void start(void) {
  root = getenv("SCIMIX_FAULT_ROOT");
  if (getenv("SCIMIX_FAULT_AT") != NULL) fault_at = atol(getenv("SCIMIX_FAULT_AT"));
  if (getenv("SCIMIX_FAULT") != NULL) kind = getenv("SCIMIX_FAULT");
  if (getenv("SCIMIX_FAULT_CLOCK") != NULL) clock_offset = atol(getenv("SCIMIX_FAULT_CLOCK"));
}

__attribute__((destructor)) static void finish(void) {
  if (root != NULL) note("calls %ld\n", calls);
}

static int is_below_root(const char* path) {
  char whole[8192];
  if (root == NULL || path == NULL) return 0;
  if (path[0] != '/') {
    if (getcwd(whole, sizeof(whole)) == NULL) return 0;
    size_t length = strlen(whole);
    snprintf(whole + length, sizeof(whole) - length, "/%s", path);
    path = whole;
  }
  return strncmp(path, root, strlen(root)) == 0;
}

static const char* path_of(int file, char* path, size_t size) {
  char link[64];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, size - 1);
  path[length > 0 ? length : 0] = '\0';
  return path;
}

enum { GOES_ON = 0, FAILS = 1, HALF = 2 };

// Counts the call, and says what becomes of it. `adds`: it needs room on the disk.
static int meet(const char* call, const char* path, int adds) {
  if (!is_below_root(path)) return GOES_ON;
  ++calls;
  if (strcmp(kind, "none") == 0) note("call %ld %s %s\n", calls, call, path);
  if (fault_at < 0 || calls < fault_at) return GOES_ON;
  if (calls == fault_at) note("fault %ld %s %s\n", calls, call, path);
  if (strcmp(kind, "kill") == 0) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  if (strcmp(kind, "half") == 0) return HALF;
  if (strcmp(kind, "clock") == 0) clock_is_off = 1;
  if (strcmp(kind, "full") == 0 && adds) {
    errno = ENOSPC;
    return FAILS;
  }
  if (strcmp(kind, "read-only") == 0) {
    errno = EROFS;
    return FAILS;
  }
  return GOES_ON;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

#define MEET(call, path, adds)                \
  switch (meet(call, path, adds)) {           \
    case FAILS:                               \
      return -1;                              \
    case HALF:                                \
      die();                                  \
    default:                                  \
      break;                                  \
  }

#define WRITE_CALL(name, parameters, forward, half)          \
  ssize_t name parameters {                                  \
    NEXT(ssize_t, name, TYPES_##name);                       \
    char path[4200];                                         \
    int saved = errno;                                       \
    int what = meet("write", path_of(file, path, sizeof(path)), 1); \
    if (what == FAILS) return -1;                            \
    errno = saved;                                           \
    if (what == HALF) {                                      \
      if (next half >= 0) die();                             \
      die();                                                 \
    }                                                        \
    return next forward;                                     \
  }
#define TYPES_write int, const void*, size_t
#define TYPES_pwrite int, const void*, size_t, off_t
#define TYPES_pwrite64 int, const void*, size_t, off_t
#define TYPES_writev int, const struct iovec*, int
WRITE_CALL(write, (int file, const void* data, size_t size), (file, data, size),
           (file, data, size / 2))
WRITE_CALL(pwrite, (int file, const void* data, size_t size, off_t at), (file, data, size, at),
           (file, data, size / 2, at))
WRITE_CALL(pwrite64, (int file, const void* data, size_t size, off_t at), (file, data, size, at),
           (file, data, size / 2, at))
WRITE_CALL(writev, (int file, const struct iovec* parts, int count), (file, parts, count),
           (file, parts, count / 2))

#define OPEN_CALL(name)                                                     \
  int name(const char* path, int flags, ...) {                              \
    static int (*next)(const char*, int, ...);                              \
    if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, #name);             \
    mode_t mode = 0;                                                        \
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {                             \
      va_list arguments;                                                    \
      va_start(arguments, flags);                                           \
      mode = va_arg(arguments, mode_t);                                     \
      va_end(arguments);                                                    \
    }                                                                       \
    if ((flags & (O_CREAT | O_TRUNC)) != 0) MEET("open", path, 1);          \
    return next(path, flags, mode);                                         \
  }
OPEN_CALL(open)
OPEN_CALL(open64)

FILE* fopen(const char* path, const char* mode) {
  NEXT(FILE*, fopen, const char*, const char*);
  if (strchr(mode, 'r') == NULL && meet("open", path, 1) == FAILS) return NULL;
  return next(path, mode);
}

int fsync(int file) {
  NEXT(int, fsync, int);
  char path[4200];
  MEET("fsync", path_of(file, path, sizeof(path)), 0);
  return next(file);
}

int ftruncate(int file, off_t size) {
  NEXT(int, ftruncate, int, off_t);
  char path[4200];
  MEET("truncate", path_of(file, path, sizeof(path)), 0);
  return next(file, size);
}

int rename(const char* from, const char* to) {
  NEXT(int, rename, const char*, const char*);
  MEET("rename", to, 0);
  return next(from, to);
}

int mkdir(const char* path, mode_t mode) {
  NEXT(int, mkdir, const char*, mode_t);
  MEET("mkdir", path, 1);
  return next(path, mode);
}

int unlink(const char* path) {
  NEXT(int, unlink, const char*);
  MEET("remove", path, 0);
  return next(path);
}

int remove(const char* path) {
  NEXT(int, remove, const char*);
  MEET("remove", path, 0);
  return next(path);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  NEXT(int, clock_gettime, clockid_t, struct timespec*);
  int result = next(clock, now);
  if (clock_is_off && clock == CLOCK_REALTIME) now->tv_sec += clock_offset;
  return result;
}

time_t time(time_t* result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != NULL) *result = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  (void)zone;
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}
