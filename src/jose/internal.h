#ifndef JOSE_INTERNAL_H
#define JOSE_INTERNAL_H

#include "base/error.h"

/* One text for every reason; the code is for those who may know. */
#define jose__refuse(err, code) error_set(err, ERR_UNAUTHENTICATED, code, "The token is not valid.")

#endif
