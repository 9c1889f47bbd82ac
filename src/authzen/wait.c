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
	bool caught_up;
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

/* Made when it is first needed: most requests find everything. NULL: no memory. */
static struct waiting *
waiting_of(struct http_request *r)
{
	struct waiting *w = http_state(r);
	if (w)
		return w;
	w = arena_new_one(http_arena(r), struct waiting);
	if (!w)
		return NULL;
	w->http = r;
	http_set_state(r, w);
	return w;
}

typedef enum status asking(struct directory *d, struct directory_load *load, struct error *err);

static void
hand_over(struct waiting *w, const struct authzen *door, asking *ask)
{
	struct error err = {0};
	if (!http_suspend(w->http)) {
		answer_overloaded(w->http);
		return;
	}
	enum status rc = ask(door->signin.directory, &w->load, &err);
	if (rc != OK) {
		/* Nobody else resumes what was not handed over. */
		w->status = rc;
		http_resume(w->http);
	}
}

void
wait_for(struct http_request *r, const struct authzen *door, const struct misses *misses)
{
	struct waiting *w = waiting_of(r);
	if (!w) {
		answer_overloaded(r);
		return;
	}
	w->load = (struct directory_load){.loaded = loaded};
	if (++w->rounds > ROUNDS_MAX || !copy_misses(w, misses, http_arena(r))) {
		answer_overloaded(r);
		return;
	}
	hand_over(w, door, directory_load);
}

void
wait_for_news(struct http_request *r, const struct authzen *door)
{
	struct waiting *w = waiting_of(r);
	if (!w) {
		answer_overloaded(r);
		return;
	}
	w->load = (struct directory_load){.loaded = loaded};
	w->caught_up = true;
	hand_over(w, door, directory_catch_up);
}

bool
wait_caught_up(struct http_request *r)
{
	const struct waiting *w = http_state(r);
	return w && w->caught_up;
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
