#include "CLinux.h"

#include <string.h>

const char *linux_error_words(int code) {
  const char *words = strerrordesc_np(code);
  return words ? words : "unknown error";
}

const char *linux_error_name(int code) {
  const char *name = strerrorname_np(code);
  return name ? name : "no name";
}
