/* Any target of a request leads to at most one path, which it spells; any cursor is refused or
 * is the one text that stands for its identifier. */

#include "api/cursor.h"
#include "api/route.h"
#include "fuzz.h"

static void
check_match(const struct route_match *match, struct str path)
{
	const struct route_path *found = match->path;
	unsigned parameter = 0;
	struct str rest = {path.ptr + 1, path.len - 1};
	for (unsigned i = 0; i < found->segment_count; i++) {
		struct str segment = str_cut(&rest, '/');
		if (found->segments[i]) {
			require(str_eq(segment, str_from(found->segments[i])));
			continue;
		}
		require(segment.len > 0 && str_eq(segment, match->parameters[parameter]));
		parameter++;
	}
	require(!rest.ptr && parameter == match->parameter_count);
	require(match->route == ROUTE_NONE ||
		(match->route >= found->first &&
			match->route < found->first + found->method_count));
	char allow[ROUTE_ALLOW_MAX];
	route_allow(allow, found);
	require(allow[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct route_match match;
	for (int method = HTTP_OTHER; method <= HTTP_OPTIONS; method++) {
		if (route_find(&match, text, (enum http_method)method))
			check_match(&match, text);
	}
	struct uuid last;
	if (cursor_parse(text, &last)) {
		char again[CURSOR_TEXT_MAX];
		cursor_format(again, last);
		require(str_eq(text, str_from(again)));
	}
	return 0;
}
