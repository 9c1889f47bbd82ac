/* Any bytes are a time zone or none; a time that a zone knows has an offset of about a day. */

#include "fuzz.h"
#include "model/zone.h"

#define MEMORY_MAX ((size_t)1 << 20)
#define OFFSET_MOST (27 * 3600)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(MEMORY_MAX);
	const struct zone *zone;
	struct error err = {0};
	require(arena != NULL);
	if (zone_parse(&zone, (struct str){(const char *)data, size}, arena, &err) == OK) {
		const int64_t steps_s[] = {6 * 3600 + 1799, INT64_C(1000000007)};
		const int64_t until_s[] = {INT64_C(1640995200), INT64_C(260000000000)};
		for (size_t i = 0; i < ARRAY_LEN(steps_s); i++) {
			for (int64_t t = 1570000000; t < until_s[i]; t += steps_s[i]) {
				int32_t offset = 0;
				if (zone_offset(zone, t, &offset))
					require(offset > -OFFSET_MOST && offset < OFFSET_MOST);
			}
		}
	} else {
		require(err.status == ERR_INVALID || err.status == ERR_NO_MEMORY);
	}
	arena_free(&arena);
	return 0;
}
