#ifndef IAM_INSTALLATION_KEYS_H
#define IAM_INSTALLATION_KEYS_H

#include "crypto/secret.h"
#include "store/store.h"

/*
 * Whether the key file is the one that this installation was begun with; the first start writes
 * down what proves it. With other keys every secret would be refused, and what is made would be
 * worthless on other nodes. ERR_INVALID "key-file-foreign". In a change; may be run again.
 */
enum status installation_check_keys(
	struct tx *tx, const struct keyring *keyring, struct error *err) MUST_USE;

/* The same, and then it is proved by the newest pepper alone. */
enum status installation_renew_check(
	struct tx *tx, const struct keyring *keyring, struct error *err) MUST_USE;

#endif
