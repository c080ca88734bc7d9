// What pid 1 keeps of the calls that it refuses: who tried what. Reads the memory of the worker, believes nothing of it, and needs
// neither a heap nor the C library.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "CLinux.h"
#include "kernel.h"
#include "memory.h"

struct sandbox_denials *sandbox_denials(void) {
  static struct sandbox_denials denials;
  return &denials;
}

struct sandbox_denial *sandbox_denial_entry(struct sandbox_denials *denials, uint32_t slot) {
  return slot <= SANDBOX_DENIALS ? &denials->entries[slot] : NULL;
}

void sandbox_denial_count(struct sandbox_denials *denials, uint32_t slot) {
  if (slot < SANDBOX_DENIALS) denials->counts.counts[slot]++;
}

enum { PAGE = 4096 };

long read_text(uint32_t pid, uint64_t address, unsigned char *text, size_t capacity, bool *is_whole) {
  size_t length = 0;
  *is_whole = false;
  while (length < capacity) {
    size_t room = PAGE - (address + length) % PAGE;
    if (room > capacity - length) room = capacity - length;
    struct iovec here = {text + length, room};
    struct iovec there = {(void *)(uintptr_t)(address + length), room};
    long count = call(SYS_process_vm_readv, pid, &here, 1, &there, 1);
    if (count <= 0) return length > 0 ? (long)length : count < 0 ? count : -EFAULT;
    for (long i = 0; i < count; i++) {
      if (text[length + (size_t)i] != 0) continue;
      *is_whole = true;
      return (long)length + i;
    }
    length += (size_t)count;
  }
  return (long)length;
}

void sandbox_denial_describe(struct sandbox_denial *denial, const struct sandbox_notification *notification) {
  denial->message = SANDBOX_DENIED;
  denial->kind = notification->kind;
  denial->number = notification->number;
  for (int i = 0; i < 6; i++) denial->arguments[i] = notification->arguments[i];
  denial->process[0] = 0;
  denial->path_length = 0;
  denial->has_path = 0;
  denial->is_whole = 0;
  if (notification->kind != SANDBOX_DENIED_EXECUTION) return;
  uint64_t address = notification->arguments[notification->is_execve ? 0 : 1];
  bool is_whole = false;
  long length = read_text(notification->pid, address, denial->path, sizeof denial->path, &is_whole);
  if (length < 0) return;
  denial->has_path = 1;
  denial->is_whole = is_whole;
  denial->path_length = (uint32_t)length;
}

char *append_text(char *end, const char *text) {
  while (*text != 0) *end++ = *text++;
  *end = 0;
  return end;
}

char *append_number(char *end, uint32_t number) {
  char digits[10];
  int count = 0;
  do digits[count++] = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  while (count > 0) *end++ = digits[--count];
  *end = 0;
  return end;
}

void sandbox_denial_name(struct sandbox_denial *denial, uint32_t pid) {
  char path[PROCESS_PATH];
  append_text(append_number(append_text(path, "/proc/"), pid), "/comm");
  long fd = call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  long length = call(SYS_read, fd, denial->process, sizeof denial->process);
  call(SYS_close, fd);
  // A line, whose name may hold line ends of its own.
  if (length > 0) denial->process[length - 1] = 0;
}

bool sandbox_denial_equal(const struct sandbox_denial *left, const struct sandbox_denial *right) {
  if (left->kind != right->kind || left->number != right->number) return false;
  if (left->kind == SANDBOX_DENIED_SOCKET) return (uint32_t)left->arguments[0] == (uint32_t)right->arguments[0];
  if (left->has_path != right->has_path || left->path_length != right->path_length) return false;
  return memcmp(left->path, right->path, left->path_length) == 0;
}

int sandbox_denial_send(int control, const struct sandbox_denial *denial) {
  size_t length = offsetof(struct sandbox_denial, path) + denial->path_length;
  return (int)call(SYS_sendto, control, denial, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int sandbox_counts_send(int control, const struct sandbox_denial_counts *counts) {
  return (int)call(SYS_sendto, control, counts, sizeof *counts, MSG_NOSIGNAL | MSG_DONTWAIT);
}
