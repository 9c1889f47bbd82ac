#include "door/wait.h"

#include <stddef.h>

/*
 * Each round loads up to MISSES_MAX views: of the largest request (1,000 evaluations of as many
 * subjects and resources) some hundreds, and again what changed meanwhile.
 */
#define ROUNDS_MAX 128

struct wait {
	struct http_request *http;
	struct directory *directory;
	struct store *store;
	struct wait_loading *loading; /* made when it is first needed: most requests find all */
	struct wait_working *working;
	unsigned rounds;
	enum status status;
	struct error error;
};

struct wait_loading {
	struct directory_load load; /* first: what the directory hands back */
	struct wait *wait;
};

struct wait_working {
	struct store_job job; /* first: what the store hands back */
	struct wait_job wanted;
	struct wait *wait;
};

struct wait *
wait_new(struct http_request *r, struct directory *d, struct store *store)
{
	struct wait *w = arena_new_one(http_arena(r), struct wait);
	if (w)
		*w = (struct wait){.http = r, .directory = d, .store = store};
	return w;
}

static enum status
overloaded(struct error *err)
{
	return error_set(err, ERR_BUSY, "overloaded", "Too many requests wait; try again.");
}

static void
resume(struct wait *w, enum status status, const struct error *err)
{
	w->status = status;
	if (status != OK && err)
		w->error = *err;
	http_resume(w->http);
}

static void
loaded(struct directory_load *load, enum status status, const struct error *err)
{
	resume(((struct wait_loading *)(void *)load)->wait, status, err);
}

static enum status
run_job(struct store_job *job, struct tx *tx, struct error *err)
{
	const struct wait_working *working = (struct wait_working *)(void *)job;
	enum status rc = working->wanted.run(working->wanted.context, tx, err);
	/* Nothing is committed that was done without what did not fit into memory. */
	if (rc == OK && arena_starved(http_arena(working->wait->http)))
		rc = error_no_memory(err);
	return rc;
}

static void
job_done(struct store_job *job, enum status status, const struct error *err)
{
	resume(((struct wait_working *)(void *)job)->wait, status, err);
}

/* The names must outlive this call of the handler. */
static bool
copy_misses(struct misses *to, const struct misses *from, struct arena *arena)
{
	to->count = from->count;
	to->overflow = from->overflow;
	for (uint32_t i = 0; i < from->count; i++) {
		to->items[i] = from->items[i];
		if (from->items[i].key.kind != VIEW_RESOURCE)
			continue;
		to->items[i].type = arena_copy(arena, from->items[i].type);
		to->items[i].name = arena_copy(arena, from->items[i].name);
		if (!to->items[i].type.ptr || !to->items[i].name.ptr)
			return false;
	}
	return true;
}

typedef enum status asking(struct directory *d, struct directory_load *load, struct error *err);

/* Nobody else resumes what could not be handed over. */
static enum status
ask_directory(struct wait *w, asking *ask, struct error *err)
{
	struct error refused = {0};
	w->status = OK;
	w->error = refused;
	if (!http_suspend(w->http))
		return overloaded(err);
	enum status rc = ask(w->directory, &w->loading->load, &refused);
	if (rc != OK)
		resume(w, rc, &refused);
	return OK;
}

static enum status
prepare_loading(struct wait *w, struct error *err)
{
	if (!w->loading)
		w->loading = arena_new_one(http_arena(w->http), struct wait_loading);
	if (!w->loading)
		return error_no_memory(err);
	*w->loading = (struct wait_loading){.load = {.loaded = loaded}, .wait = w};
	return OK;
}

enum status
wait_for_views(struct wait *w, const struct misses *misses, struct error *err)
{
	enum status rc = prepare_loading(w, err);
	if (rc != OK)
		return rc;
	if (++w->rounds > ROUNDS_MAX)
		return overloaded(err);
	if (!copy_misses(&w->loading->load.misses, misses, http_arena(w->http)))
		return error_no_memory(err);
	return ask_directory(w, directory_load, err);
}

enum status
wait_for_news(struct wait *w, struct error *err)
{
	enum status rc = prepare_loading(w, err);
	return rc == OK ? ask_directory(w, directory_catch_up, err) : rc;
}

typedef enum status handing(struct store *store, struct store_job *job, struct error *err);

static enum status
ask_store(struct wait *w, const struct wait_job *wanted, handing *hand, struct error *err)
{
	struct error refused = {0};
	if (!w->working)
		w->working = arena_new_one(http_arena(w->http), struct wait_working);
	if (!w->working)
		return error_no_memory(err);
	*w->working = (struct wait_working){
		.job = {.run = run_job, .done = job_done, .shard = wanted->shard},
		.wanted = *wanted,
		.wait = w,
	};
	w->status = OK;
	w->error = refused;
	if (!http_suspend(w->http))
		return overloaded(err);
	enum status rc = hand(w->store, &w->working->job, &refused);
	if (rc != OK)
		resume(w, rc, &refused);
	return OK;
}

enum status
wait_for_change(struct wait *w, const struct wait_job *job, struct error *err)
{
	return ask_store(w, job, store_change, err);
}

enum status
wait_for_reading(struct wait *w, const struct wait_job *job, struct error *err)
{
	return ask_store(w, job, store_read, err);
}

enum status
wait_for_errand(struct wait *w, const struct wait_errand *errand, struct error *err)
{
	struct error refused = {0};
	w->status = OK;
	w->error = refused;
	if (!http_suspend(w->http))
		return overloaded(err);
	enum status rc = errand->start(errand->context, w, &refused);
	if (rc != OK)
		resume(w, rc, &refused);
	return OK;
}

void
wait_over(struct wait *w, enum status status, const struct error *err)
{
	resume(w, status, err);
}

enum status
wait_result(const struct wait *w, struct error *err)
{
	if (!w || w->status == OK)
		return OK;
	*err = w->error;
	if (err->status == OK)
		(void)error_set(err, w->status, "not-loaded",
			"The server cannot look this up just now; try again.");
	return w->status;
}
