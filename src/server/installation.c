#include "server/installation.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "directory/rows.h"
#include "iam/tree/orgs.h"
#include "iam/upkeep/forms.h"
#include "iam/upkeep/installation_keys.h"

#define BUSY_TIMEOUT_MS 2000
#define STATEMENT_TIMEOUT_MS 5000
#define FOUNDING_ARENA_MAX ((size_t)1024 * 1024)

struct looking {
	struct store_job job; /* first */
	bool founded;
};

static enum status
look_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct looking *l = (struct looking *)(void *)job;
	struct org_heads heads;

	enum status rc = rows_org_heads(&heads, tx, PLATFORM, err);
	l->founded = rc == OK && heads.found;
	return rc;
}

struct founding {
	struct store_job job; /* first */
	const struct installation *installation;
	struct arena *arena;
};

static enum status
found_run(struct store_job *job, struct tx *tx, struct error *err)
{
	const struct founding *f = (struct founding *)(void *)job;
	struct call call = {
		.address = STR("local"),
		.now_us = clock_now_us(),
		.arena = f->arena,
		.directory = f->installation->directory,
		.keyring = f->installation->keyring,
		.tx = tx,
	};

	arena_reset(f->arena);
	enum status rc = platform_found(&call, err);
	/* Whoever founds it does so with keys that are proved by the same commit. */
	return rc == OK ? installation_check_keys(tx, f->installation->keyring, err) : rc;
}

/* Several nodes may found it at once: whoever comes second finds it there. */
static enum status
found(const struct installation *installation, struct error *err)
{
	struct founding f = {.job = {.run = found_run},
		.installation = installation,
		.arena = arena_new(FOUNDING_ARENA_MAX)};

	if (!f.arena)
		return error_no_memory(err);
	struct error first = {0};
	enum status rc = store_change_wait(installation->store, &f.job, &first);
	if (rc == ERR_CONFLICT)
		rc = store_change_wait(installation->store, &f.job, err);
	else
		*err = first;
	arena_free(&f.arena);
	return rc;
}

struct store_options
installation_store_options(const struct config *config)
{
	return (struct store_options){
		.path = config->store,
		.url = config->database,
		.replicas = config->database_replicas,
		.readers = (unsigned)config->readers,
		.queue_max = (unsigned)config->writer_queue,
		.read_queue_max = (unsigned)config->suspended_max,
		.busy_timeout_ms = BUSY_TIMEOUT_MS,
		.writers = (unsigned)config->database_connections,
		.statement_timeout_ms = STATEMENT_TIMEOUT_MS,
		.wait_ms = (int)config->database_wait_s * 1000,
		.convert = forms_convert,
	};
}

struct proving {
	struct store_job job; /* first */
	const struct keyring *keyring;
};

static enum status
prove_run(struct store_job *job, struct tx *tx, struct error *err)
{
	const struct proving *p = (struct proving *)(void *)job;

	return installation_check_keys(tx, p->keyring, err);
}

static enum status
prove_keys(const struct installation *installation, struct error *err)
{
	struct proving p = {.job = {.run = prove_run}, .keyring = installation->keyring};

	return store_change_wait(installation->store, &p.job, err);
}

static enum status
open_store(struct installation *out, const struct config *config, bool *founded, struct error *err)
{
	const struct store_options options = installation_store_options(config);
	struct looking looking = {.job = {.run = look_run}};

	enum status rc = store_open(&out->store, &options, err);
	if (rc == OK)
		rc = store_read_wait(out->store, &looking.job, err);
	*founded = looking.founded;
	return rc;
}

enum status
installation_open(struct installation *out, const struct config *config, struct error *err)
{
	bool founded = false;

	*out = (struct installation){0};
	enum status rc = crypto_init(err);
	if (rc == OK)
		rc = open_store(out, config, &founded, err);
	bool made = rc == OK && !founded && access(config->key_file, F_OK) != 0;
	if (rc == OK)
		rc = keyring_load(&out->keyring, config->key_file, !founded, err);
	if (rc != OK)
		return rc;
	const struct directory_options options = {
		.store = out->store,
		.memory_max = (size_t)config->views_memory_mib << 20,
	};
	rc = directory_new(&out->directory, &options, err);
	if (rc == OK)
		rc = founded ? prove_keys(out, err) : found(out, err);
	/* Another node was faster: the file that was made for this one is of no use to anybody. */
	if (rc == ERR_INVALID && made && strcmp(err->code, "key-file-foreign") == 0)
		(void)!unlink(config->key_file);
	return rc;
}

void
installation_close(struct installation *installation)
{
	store_close(&installation->store);
	directory_free(&installation->directory);
	keyring_free(&installation->keyring);
}
