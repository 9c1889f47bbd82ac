#include "server/worker.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rounds.h"
#include "iam/principals/credentials.h"
#include "iam/upkeep/purge.h"
#include "server/keys.h"

#define ROUND_US (5 * US_PER_S)
#define ROUNDS_PER_LOG 12
#define ROUNDS_PER_PURGE 12
#define ROUNDS_PER_TURN 60 /* of keys */
#define BATCH 256
/* Of what is too old: the rest goes in the round after it. */
#define PURGES_PER_ROUND 100

struct worker {
	struct server *server;
	struct rounds rounds;
	unsigned round;
	struct purged purged; /* by the last job */
};

struct noting {
	struct store_job job; /* first */
	struct credential_use uses[BATCH];
	size_t count;
};

static enum status
note_run(struct store_job *job, struct tx *tx, struct error *err)
{
	const struct noting *n = (struct noting *)(void *)job;

	return credential_note_uses(tx, n->uses, n->count, err);
}

/* What cannot be written is lost: it says only when a credential was last used. */
static void
note_uses(struct server *server)
{
	struct noting n = {.job = {.run = note_run}};
	struct installation *at = &server->installation;

	while ((n.count = directory_take_used(at->directory, n.uses, BATCH)) > 0) {
		struct error err = {0};
		if (store_change_wait(at->store, &n.job, &err) != OK) {
			log_event(LOG_WARN, "uses-not-noted", LOG_Z("text", err.text),
				LOG_Z("detail", err.detail));
			return;
		}
	}
}

struct noting_sessions {
	struct store_job job; /* first */
	struct session_use uses[SESSION_USES_MAX];
	size_t count;
	struct session_lives lives;
};

static enum status
note_sessions_run(struct store_job *job, struct tx *tx, struct error *err)
{
	const struct noting_sessions *n = (struct noting_sessions *)(void *)job;

	return session_note_uses(tx, n->uses, n->count, n->lives, err);
}

/* What cannot be written is lost: that session ends a little earlier. */
static void
note_sessions(struct server *server)
{
	struct noting_sessions n = {
		.job = {.run = note_sessions_run}, .lives = people_session_lives(server->config)};
	struct error err = {0};

	n.count = session_uses_take(server->people.uses, n.uses);
	if (n.count && store_change_wait(server->installation.store, &n.job, &err) != OK)
		log_event(LOG_WARN, "sessions-not-noted", LOG_Z("text", err.text),
			LOG_Z("detail", err.detail));
}

struct purging {
	struct store_job job; /* first */
	unsigned from;
	struct purged done;
};

static enum status
purge_job_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct purging *p = (struct purging *)(void *)job;

	return purge_run(&p->done, p->from, tx, clock_now_us(), err);
}

/* What has ended by itself. */
static void
purge(struct worker *w)
{
	struct purging p = {
		.job = {.run = purge_job_run}, .from = w->purged.next, .done.more = true};

	w->purged.more = false;
	for (int i = 0; i < PURGES_PER_ROUND && p.done.more; i++) {
		struct error err = {0};
		if (store_change_wait(w->server->installation.store, &p.job, &err) != OK) {
			log_event(LOG_WARN, "not-purged", LOG_Z("text", err.text),
				LOG_Z("detail", err.detail));
			return;
		}
		w->purged = p.done;
		p.from = p.done.next;
	}
}

static void
log_figures(struct server *server)
{
	struct http_server *http = atomic_load(&server->http);
	const struct directory_stats views = directory_stats(server->installation.directory);

	if (!http)
		return;
	const struct http_stats stats = http_server_stats(http);
	log_event(LOG_DEBUG, "figures", LOG_I("connections", stats.connections),
		LOG_I("suspended", stats.suspended), LOG_I("requests", stats.requests),
		LOG_I("refused_early", stats.refused_early), LOG_I("views", views.views),
		LOG_I("view_bytes", views.bytes), LOG_I("hits", views.hits),
		LOG_I("misses", views.misses), LOG_I("evictions", views.evictions));
}

static void
do_round(void *owner)
{
	struct worker *w = owner;

	w->round++;
	note_uses(w->server);
	note_sessions(w->server);
	if (w->purged.more || w->round % ROUNDS_PER_PURGE == 1)
		purge(w);
	if (w->round % ROUNDS_PER_TURN == 1)
		keys_turn(w->server);
	if (w->round % ROUNDS_PER_LOG == 0)
		log_figures(w->server);
}

enum status
worker_start(struct worker **out, struct server *server, struct error *err)
{
	struct worker *w = calloc(1, sizeof(*w));

	*out = NULL;
	if (!w)
		return error_no_memory(err);
	w->server = server;
	const struct rounds_work work = {"worker", ROUND_US, do_round, w};
	enum status rc = rounds_start(&w->rounds, &work, err);
	if (rc != OK)
		free(w);
	else
		*out = w;
	return rc;
}

void
worker_stop(struct worker **worker)
{
	struct worker *w = *worker;

	if (!w)
		return;
	rounds_stop(&w->rounds);
	note_uses(w->server);
	note_sessions(w->server);
	free(w);
	*worker = NULL;
}
