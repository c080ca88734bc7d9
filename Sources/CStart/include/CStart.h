// The entry point of `sandbox-init` and the four functions that a compiler may call of its own accord. Linked in the
// place of a C library, whose start-up asks the processor for its features some thirty times: each is a trap to the
// hypervisor on a virtual machine, and together they take longer than building the sandbox's root.
#ifndef ORCHESTRATOR_CSTART_H
#define ORCHESTRATOR_CSTART_H

#include <stddef.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t count);
void *memmove(void *destination, const void *source, size_t count);
void *memset(void *destination, int byte, size_t count);
int memcmp(const void *left, const void *right, size_t count);

#endif
