#include "CLinux.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

const char *linux_error_words(int code) {
  const char *words = strerrordesc_np(code);
  return words ? words : "unknown error";
}

const char *linux_error_name(int code) {
  const char *name = strerrorname_np(code);
  return name ? name : "no name";
}

// Linux has released the number even when close(2) reports EINTR: never retried.
int linux_close(int fd) { return close(fd) < 0 ? -errno : 0; }
