#include "support.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"

/* Prepares each statement of standard input (each ends with a NUL) on the engine; statements.py
 * collects them from the sources. */

static unsigned
prepare_each(struct store *store, struct str all)
{
	unsigned failed = 0;
	for (size_t at = 0; at < all.len; at += strlen(all.ptr + at) + 1) {
		struct error err = {0};
		if (store_prepare(store, all.ptr + at, &err) == OK)
			continue;
		fprintf(stderr, "%s\n\tin: %s\n", err.detail, all.ptr + at);
		failed++;
	}
	return failed;
}

int
main(void)
{
	struct buf all;
	char chunk[65536];
	ssize_t got = 0;
	void *state = NULL;
	buf_init(&all, (size_t)16 * 1024 * 1024);
	while ((got = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0)
		buf_append(&all, chunk, (size_t)got);
	if (all.failed || all.len == 0 || all.ptr[all.len - 1] != '\0')
		return 2;
	if (fixture_set_up(&state) != 0)
		return 2;
	struct fixture *f = state;
	unsigned failed = prepare_each(f->store, buf_view(&all));
	fixture_tear_down(&state);
	buf_clear(&all);
	return failed > 0;
}
