#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>

/* Fills from getrandom(2); aborts if the kernel cannot give any (it always can after boot). */
void random_bytes(void *out, size_t len);

#endif
