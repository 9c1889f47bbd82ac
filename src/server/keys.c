#include "server/keys.h"

#include "base/clock.h"
#include "base/log.h"
#include "iam/tokens/key_rotation.h"

#define TURNS_MAX 64 /* of one round: the rest in the next */
#define ARENA_MAX ((size_t)1024 * 1024)

struct asking {
	struct store_job job; /* first */
	struct key_turn turns[TURNS_MAX];
	size_t count;
};

static enum status
ask_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct asking *a = (struct asking *)(void *)job;

	return signing_keys_due(a->turns, &a->count, TURNS_MAX, tx, clock_now_us(), err);
}

struct turning {
	struct store_job job; /* first */
	struct server *server;
	const struct key_turn *turn;
	struct signing_key_draft made;
	struct arena *arena; /* of the call */
};

static enum status
turn_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct turning *t = (struct turning *)(void *)job;
	struct call call = {
		.address = STR("server"),
		.now_us = clock_now_us(),
		.arena = t->arena,
		.directory = t->server->installation.directory,
		.keyring = t->server->installation.keyring,
	};

	directory_enter();
	enum status rc = call_open_as(&call, tx, t->turn->org, &(struct actor){0}, err);
	if (rc == OK)
		rc = signing_keys_turn(&call, t->turn, &t->made, err);
	if (rc == OK)
		rc = call_close(&call, err);
	directory_leave();
	return rc;
}

/* A key is made beside the writer, whether it will be needed or not: this happens seldom. */
static enum status
turn_one(struct server *server, const struct key_turn *turn, struct error *err)
{
	struct turning t = {.job = {.run = turn_run, .shard = turn->org.id},
		.server = server,
		.turn = turn,
		.made = {.org = turn->org, .issuer = turn->issuer, .alg = turn->alg},
		.arena = arena_new(ARENA_MAX)};

	enum status rc = t.arena
		? signing_key_make(&t.made, server->installation.keyring, t.arena, err)
		: error_no_memory(err);
	if (rc == OK)
		rc = store_change_wait(server->installation.store, &t.job, err);
	arena_free(&t.arena);
	/* An organisation that is gone needs no keys. */
	return rc == ERR_NOT_FOUND ? OK : rc;
}

void
keys_turn(struct server *server)
{
	struct asking asking = {.job = {.run = ask_run}};
	struct error err = {0};

	enum status rc = store_read_wait(server->installation.store, &asking.job, &err);
	for (size_t i = 0; rc == OK && i < asking.count; i++)
		rc = turn_one(server, &asking.turns[i], &err);
	if (rc != OK)
		log_event(LOG_WARN, "keys-not-turned", LOG_Z("text", err.text),
			LOG_Z("detail", err.detail));
}
