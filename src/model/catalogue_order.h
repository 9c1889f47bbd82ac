#ifndef MODEL_CATALOGUE_ORDER_H
#define MODEL_CATALOGUE_ORDER_H

#include <stdint.h>

/* Places in the catalogue in the byte order of the names, for the look-up. */
extern const uint16_t catalogue_by_name[];

#endif
