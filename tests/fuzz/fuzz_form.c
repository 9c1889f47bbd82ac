/* The parser of forms, over any bytes: what it accepts keeps its promises. */

#include "fuzz.h"
#include "http/form.h"

static void
check_text(struct str s)
{
	require(s.ptr && str_is_utf8(s) && s.ptr[s.len] == '\0' && strlen(s.ptr) == s.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new((size_t)1024 * 1024);
	struct http_form form;
	struct error err = {0};
	bool repeated, any = false;
	size_t len = 0;
	require(arena != NULL);
	enum status rc =
		http__form_parse(&form, (struct str){(const char *)data, size}, arena, &err);
	require(rc == err.status && rc != ERR_NO_MEMORY);
	for (size_t i = 0; rc == OK && i < form.count; i++) {
		check_text(form.fields[i].name);
		check_text(form.fields[i].value);
		len += form.fields[i].name.len + form.fields[i].value.len;
		require(http_form_get(&form, form.fields[i].name.ptr, &repeated).ptr != NULL);
		any = any || repeated;
	}
	require(rc != OK || (form.count <= HTTP_FORM_FIELDS_MAX && len <= size));
	require(rc != OK || any == (http_form_repeated(&form).ptr != NULL));
	arena_free(&arena);
	return 0;
}
