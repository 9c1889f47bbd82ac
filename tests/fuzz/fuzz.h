#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Every target defines this one function: it aborts when `data` shows a mistake, and returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
