// What denial.c and observe.c share: reading a worker's memory, and the names of its files in /proc.
#ifndef ORCHESTRATOR_MEMORY_H
#define ORCHESTRATOR_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A text that ends with a NUL, or as much of it as there is room for. Each page is a read of its own: a read that runs into one
// that isn't there gives nothing at all. The length, or a negated errno where not even the first byte can be read; EPERM of a
// process that is not dumpable, prctl(2).
long read_text(uint32_t pid, uint64_t address, unsigned char *text, size_t capacity, bool *is_whole);

// Room for a name of /proc of one process or thread, proc(5).
enum { PROCESS_PATH = sizeof "/proc/4294967295/fd/4294967295" };

// At `end`, with a NUL; the new end.
char *append_text(char *end, const char *text);
char *append_number(char *end, uint32_t number);

#endif
