#include "authzen/wait.h"

#include "authzen/answer.h"
#include "door/wait.h"

struct waiting {
	struct wait *wait;
	bool caught_up;
};

static void
answer_overloaded(struct http_request *r)
{
	answer_error(r, 503, "The server cannot look this up just now; try again.");
}

/* Made when it is first needed: most requests find everything. NULL: no memory. */
static struct waiting *
waiting_of(struct http_request *r, const struct authzen *door)
{
	struct waiting *w = http_state(r);
	if (w)
		return w;
	w = arena_new_one(http_arena(r), struct waiting);
	if (!w)
		return NULL;
	w->wait = wait_new(r, door->signin.directory, NULL);
	if (!w->wait)
		return NULL;
	http_set_state(r, w);
	return w;
}

void
authzen__wait(struct http_request *r, const struct authzen *door, const struct misses *misses)
{
	struct error err = {0};
	struct waiting *w = waiting_of(r, door);
	if (!w || wait_for_views(w->wait, misses, &err) != OK)
		answer_overloaded(r);
}

void
authzen__wait_for_news(struct http_request *r, const struct authzen *door)
{
	struct error err = {0};
	struct waiting *w = waiting_of(r, door);
	if (w)
		w->caught_up = true;
	if (!w || wait_for_news(w->wait, &err) != OK)
		answer_overloaded(r);
}

bool
authzen__caught_up(struct http_request *r)
{
	const struct waiting *w = http_state(r);
	return w && w->caught_up;
}

bool
authzen__wait_failed(struct http_request *r)
{
	struct error err = {0};
	const struct waiting *w = http_state(r);
	if (!w || wait_result(w->wait, &err) == OK)
		return false;
	answer_overloaded(r);
	return true;
}
