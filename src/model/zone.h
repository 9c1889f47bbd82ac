#ifndef MODEL_ZONE_H
#define MODEL_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/*
 * The local time of an IANA zone, as the system's database (RFC 9636, version 2 or later) has it
 * at the moment of reading. It is known from the year 2020 to the year 9999, or to the last change
 * that is listed if the zone's rule for later times is none that we understand.
 */
struct zone; /* immutable, in an arena */

#define ZONE_NAME_MAX 64

/* "Europe/Berlin": [A-Za-z0-9_+/-], no empty part. "UTC" needs no file. ERR_INVALID, naming
 * `field`, when the name is malformed or the system has no such zone; ERR_BUSY when it cannot be
 * read just now. Reads a file; threads: any. */
enum status zone_load(struct zone const **out, struct str name, const char *field,
	struct arena *arena, struct error *err) MUST_USE;

/* From the bytes of such a file. ERR_INVALID "invalid-time-zone". */
enum status zone_parse(
	struct zone const **out, struct str bytes, struct arena *arena, struct error *err) MUST_USE;

/* Seconds east of UTC at a Unix time; false when that is not known. No allocation. */
bool zone_offset(const struct zone *zone, int64_t time_s, int32_t *offset_s) MUST_USE;

#endif
