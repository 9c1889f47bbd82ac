#ifndef CRYPTO_INTERNAL_H
#define CRYPTO_INTERNAL_H

#include "base/error.h"

/* ERR_INTERNAL "crypto-failed" with the library's own words as detail; empties its queue. */
enum status crypto__failed(struct error *err);

#endif
