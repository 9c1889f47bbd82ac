#ifndef SERVER_INSTALLATION_H
#define SERVER_INSTALLATION_H

#include "config/config.h"
#include "crypto/secret.h"
#include "directory/directory.h"
#include "store/store.h"

/* What an installation keeps and what stands on it: the same for the server and for the commands
 * that hold the store themselves. */
struct installation {
	struct store *store;
	struct keyring *keyring; /* secret */
	struct directory *directory;
};

/*
 * Opens store and keys, makes both at the first start, and founds the platform. A store that was
 * used before never gets new keys: without the old ones every secret that it knows would be
 * worthless, so a missing file is ERR_NOT_FOUND "key-file-missing". ERR_BUSY "store-locked" while
 * another process serves the store. Whatever the answer, installation_close it. Start-up.
 */
enum status installation_open(
	struct installation *out, const struct config *config, struct error *err) MUST_USE;

/* How the store is opened; borrowed from the configuration. */
struct store_options installation_store_options(const struct config *config);

/* Waits for the jobs that run and refuses those that wait. */
void installation_close(struct installation *installation);

#endif
