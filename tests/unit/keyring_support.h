#ifndef TESTS_UNIT_KEYRING_SUPPORT_H
#define TESTS_UNIT_KEYRING_SUPPORT_H

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/secret.h"

/* A keyring of new keys, whose file is gone again. */
static inline struct keyring *
make_keyring(void)
{
	char folder[] = "/tmp/thingward-test-XXXXXX", path[sizeof(folder) + 8];
	struct keyring *ring = NULL;
	struct error err = {0};

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/keys", folder);
	if (crypto_init(&err) != OK || keyring_load(&ring, path, true, &err) != OK)
		fail_msg("%s", err.text);
	unlink(path);
	rmdir(folder);
	return ring;
}

#endif
