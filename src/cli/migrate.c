#include "cli/command.h"
#include "cli/verify.h"
#include "crypto/crypto.h"
#include "server/installation.h"

const struct command_option migrate_options[] = {
	{"to", "URL", "The empty database, postgres://user@host/name", true},
	{0},
};

/* What is moved is locked against a server, though nothing in it is changed. */
static enum status
open_both(struct store **from, struct store **to, const struct invocation *in, struct error *err)
{
	struct store_options source = installation_store_options(&in->config);
	struct store_options target = source;

	source.url = NULL;
	source.existing_only = true;
	target.url = invocation_value(in, "to");
	target.fresh_only = true;
	target.writers = 1;
	target.statement_timeout_ms = 0;
	enum status rc = crypto_init(err);
	if (rc == OK)
		rc = store_open(from, &source, err);
	return rc == OK ? store_open(to, &target, err) : rc;
}

enum exit_status
command_migrate(struct invocation *in)
{
	struct store *from = NULL, *to = NULL;
	struct store_copied copied = {0};
	struct error err = {0};
	bool sound = false;

	enum status rc = open_both(&from, &to, in, &err);
	if (rc == OK)
		rc = store_copy(&copied, to, from, &err);
	if (rc == OK)
		printf("moved: %lld tables, %lld rows\n", (long long)copied.tables,
			(long long)copied.rows);
	if (rc == OK)
		rc = verify_run_on(&sound, to, &err);
	store_close(&to);
	store_close(&from);
	if (rc != OK) {
		command_failed(in, &err);
		return EXIT_FAILED;
	}
	return fflush(stdout) == 0 && sound ? EXIT_OK : EXIT_FAILED;
}
