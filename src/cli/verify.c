#include "iam/upkeep/verify.h"
#include "cli/command.h"
#include "cli/verify.h"
#include "server/installation.h"

struct verifying {
	struct store_job job; /* first */
	bool sound;
	int64_t organisations, records, rules;
};

static void
org_name(char out[UUID_TEXT_LEN + 1], struct org_id org)
{
	if (org_is_platform(org))
		snprintf(out, UUID_TEXT_LEN + 1, "platform");
	else
		uuid_format(out, org.id);
}

static void
tell_chain(void *context, const struct chain_report *report)
{
	struct verifying *v = context;
	char name[UUID_TEXT_LEN + 1];

	v->organisations++;
	v->records += report->records;
	if (!report->broken)
		return;
	org_name(name, report->org);
	printf("broken: organisation %s, revision %lld, record %lld: %s\n", name,
		(long long)report->broken_revision, (long long)report->broken_part, report->broken);
}

static void
tell_remedy(const struct invariant_report *report)
{
	char first[UUID_TEXT_LEN + 1], org[UUID_TEXT_LEN + 1];

	uuid_format(first, report->first);
	org_name(org, (struct org_id){report->org});
	if (uuid_eq(report->org, report->first))
		printf("  the first is %s: %s\n", first, report->remedy);
	else
		printf("  the first is %s of organisation %s: %s\n", first, org, report->remedy);
}

static void
tell_invariant(void *context, const struct invariant_report *report)
{
	struct verifying *v = context;

	v->rules++;
	if (report->violations == 0)
		return;
	printf("broken: %s: %lld rows are otherwise\n", report->rule,
		(long long)report->violations);
	if (report->remedy)
		tell_remedy(report);
}

static enum status
verify_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct verifying *v = (struct verifying *)(void *)job;
	const struct store_verify_listener listener = {tell_chain, tell_invariant, v};

	return store_verify(&v->sound, tx, &listener, err);
}

enum status
verify_run_on(bool *sound, struct store *store, struct error *err)
{
	struct verifying v = {.job = {.run = verify_run}};

	enum status rc = store_read_wait(store, &v.job, err);
	*sound = rc == OK && v.sound;
	if (rc == OK)
		printf("%s: %lld organisations, %lld records, %lld rules\n",
			v.sound ? "sound" : "not sound", (long long)v.organisations,
			(long long)v.records, (long long)v.rules);
	return rc;
}

enum exit_status
command_verify(struct invocation *in)
{
	struct store_options options = installation_store_options(&in->config);
	struct store *store = NULL;
	struct error err = {0};
	bool sound = false;

	options.readers = 1;
	options.read_only = true;
	options.statement_timeout_ms = 0; /* it looks at everything */
	enum status rc = crypto_init(&err);
	if (rc == OK)
		rc = store_open(&store, &options, &err);
	if (rc == OK)
		rc = verify_run_on(&sound, store, &err);
	store_close(&store);
	if (rc != OK) {
		command_failed(in, &err);
		return EXIT_FAILED;
	}
	return fflush(stdout) == 0 && sound ? EXIT_OK : EXIT_FAILED;
}
