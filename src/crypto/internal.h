#ifndef CRYPTO_INTERNAL_H
#define CRYPTO_INTERNAL_H

#include "base/error.h"
#include "crypto/secret.h"

/* ERR_INTERNAL "crypto-failed" with the library's own words as detail; empties its queue. */
enum status crypto__failed(struct error *err);

/* A secret of these random bytes, SECRET_RANDOM_LEN of them. */
#define SECRET_RANDOM_LEN 32
void secret__write(
	struct secret_text *out, const struct secret_parts *parts, const uint8_t *random);

#endif
