#include "CStart.h"

// The kernel enters here with an aligned stack and argc on top of it. `main` needs neither arguments nor environment,
// and never returns.
#if defined(__x86_64__)
__asm__(".text\n.globl _start\n.type _start,@function\n_start:\n"
        ".cfi_startproc\n"
        "  .cfi_undefined rip\n"
        "  xorl %ebp, %ebp\n"
        "  xorl %edi, %edi\n"
        "  xorl %esi, %esi\n"
        "  andq $-16, %rsp\n"
        "  call main\n"
        "  hlt\n"
        ".cfi_endproc\n.size _start,.-_start\n");
#elif defined(__aarch64__)
__asm__(".text\n.globl _start\n.type _start,%function\n_start:\n"
        ".cfi_startproc\n"
        "  .cfi_undefined x30\n"
        "  mov x29, #0\n"
        "  mov x30, #0\n"
        "  mov x0, #0\n"
        "  mov x1, #0\n"
        "  bl main\n"
        "  brk #1\n"
        ".cfi_endproc\n.size _start,.-_start\n");
#else
#error "the entry point is not known for this architecture"
#endif

// Plain loops, which the compiler must not turn back into calls of themselves: it is told so by -fno-builtin.

void *memcpy(void *restrict destination, const void *restrict source, size_t count) {
  return memmove(destination, source, count);
}

void *memmove(void *destination, const void *source, size_t count) {
  unsigned char *to = destination;
  const unsigned char *from = source;
  if (to < from)
    for (size_t i = 0; i < count; i++) to[i] = from[i];
  else
    for (size_t i = count; i > 0; i--) to[i - 1] = from[i - 1];
  return destination;
}

void *memset(void *destination, int byte, size_t count) {
  unsigned char *to = destination;
  for (size_t i = 0; i < count; i++) to[i] = (unsigned char)byte;
  return destination;
}

int memcmp(const void *left, const void *right, size_t count) {
  const unsigned char *a = left;
  const unsigned char *b = right;
  for (size_t i = 0; i < count; i++)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}

// What an optimising compiler makes of a memcmp(3) that is only compared with 0.
int bcmp(const void *left, const void *right, size_t count) { return memcmp(left, right, count); }
