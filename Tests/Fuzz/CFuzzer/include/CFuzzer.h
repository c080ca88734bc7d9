// libFuzzer's entry point for programs that have a main function of their own, llvm.org/docs/LibFuzzer.html.
#ifndef ORCHESTRATOR_CFUZZER_H
#define ORCHESTRATOR_CFUZZER_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argument_count, char ***arguments, int (*one_input)(const uint8_t *data, size_t size));

// The same for a caller who doesn't want the arguments back.
static inline int run_fuzzer(int count, char **arguments, int (*one_input)(const uint8_t *data, size_t size)) {
  return LLVMFuzzerRunDriver(&count, &arguments, one_input);
}

#endif
