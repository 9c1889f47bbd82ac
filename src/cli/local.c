#include "cli/local.h"

#include "base/clock.h"

static enum status
change_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct local_change *c = (struct local_change *)(void *)job;
	struct call call = {
		.address = STR("local"),
		.now_us = clock_now_us(),
		.arena = c->arena,
		.directory = c->installation->directory,
		.keyring = c->installation->keyring,
		.tx = tx,
	};

	arena_reset(c->arena);
	directory_enter();
	enum status rc = c->run(&call, c->context, err);
	directory_leave();
	return rc;
}

enum status
local_change(struct local_change *change, struct error *err)
{
	change->job = (struct store_job){.run = change_run};
	return store_change_wait(change->installation->store, &change->job, err);
}

enum status
local_read(struct local_change *change, struct error *err)
{
	change->job = (struct store_job){.run = change_run};
	return store_read_wait(change->installation->store, &change->job, err);
}

enum status
local_open(struct installation *out, const struct config *config, const char *instead,
	struct error *err)
{
	struct error opening = {0};

	enum status rc = installation_open(out, config, &opening);
	if (rc == ERR_BUSY && opening.code && strcmp(opening.code, "store-locked") == 0)
		return error_set(err, ERR_BUSY, "store-locked",
			"the store %s is in use, so a server runs on it: stop it, or use its API: "
			"%s",
			config->store, instead);
	if (rc != OK)
		*err = opening;
	return rc;
}
