#include "authzen/wait.h"

#include "authzen/answer.h"

/*
 * Each round loads up to MISSES_MAX views: of the largest request (1,000 evaluations of as many
 * subjects and resources) some hundreds, and again what changed meanwhile.
 */
#define ROUNDS_MAX 128

struct waiting {
	struct directory_load load; /* first: what the directory hands back */
	struct http_request *http;
	unsigned rounds;
	enum status status;
};

static void
loaded(struct directory_load *load, enum status status, const struct error *err)
{
	struct waiting *w = (struct waiting *)(void *)load;
	(void)err;
	w->status = status;
	http_resume(w->http);
}

static void
answer_overloaded(struct http_request *r)
{
	answer_error(r, 503, "The server cannot look this up just now; try again.");
}

/* The names must outlive this call of the handler. */
static bool
copy_misses(struct waiting *w, const struct misses *misses, struct arena *arena)
{
	struct misses *to = &w->load.misses;
	to->count = misses->count;
	to->overflow = misses->overflow;
	for (uint32_t i = 0; i < misses->count; i++) {
		to->items[i] = misses->items[i];
		if (misses->items[i].key.kind != VIEW_RESOURCE)
			continue;
		to->items[i].type = arena_copy(arena, misses->items[i].type);
		to->items[i].name = arena_copy(arena, misses->items[i].name);
		if (!to->items[i].type.ptr || !to->items[i].name.ptr)
			return false;
	}
	return true;
}

void
wait_for(struct http_request *r, const struct authzen *door, const struct misses *misses)
{
	struct waiting *w = http_state(r);
	struct error err = {0};
	if (!w) {
		w = arena_new_one(http_arena(r), struct waiting);
		if (!w) {
			answer_overloaded(r);
			return;
		}
		w->http = r;
		http_set_state(r, w);
	}
	w->load = (struct directory_load){.loaded = loaded};
	if (++w->rounds > ROUNDS_MAX || !copy_misses(w, misses, http_arena(r)) ||
		!http_suspend(r)) {
		answer_overloaded(r);
		return;
	}
	enum status rc = directory_load(door->directory, &w->load, &err);
	if (rc != OK) {
		/* Nobody else resumes what was not handed over. */
		w->status = rc;
		http_resume(r);
	}
}

bool
wait_failed(struct http_request *r)
{
	const struct waiting *w = http_state(r);
	if (!w || w->status == OK)
		return false;
	answer_overloaded(r);
	return true;
}
