#include <sys/stat.h>

#include "cli/command.h"
#include "cli/local.h"
#include "directory/rows.h"
#include "iam/chain.h"
#include "iam/tokens/key_rotation.h"

#define ARENA_MAX ((size_t)4 * 1024 * 1024)

const struct command_option keys_rotate_options[] = {
	{"workspace", "ID", "Of this workspace's issuer (default: of the installation's)",
		USE_OPTIONAL},
	{"algorithm", "NAME", "Of these keys: ES256 (default) or RS256", USE_OPTIONAL},
	{0},
};

struct rotating {
	struct workspace_id workspace;
	enum sign_alg alg;
	struct signing_key *keys; /* afterwards, in the arena of the call */
	size_t count;
};

static enum status
find_org(struct org_id *out, struct call *call, struct workspace_id workspace, struct error *err)
{
	const struct issuer_view *issuer;

	*out = PLATFORM;
	if (uuid_is_nil(workspace.id))
		return OK;
	enum status rc = rows_load_issuer(&issuer, call->tx, workspace, call->arena, err);
	if (rc == OK && !issuer)
		rc = error_set(
			err, ERR_NOT_FOUND, "workspace-not-found", "there is no such workspace.");
	if (rc == OK)
		*out = issuer->org;
	return rc;
}

static enum status
rotate_run(struct call *call, void *context, struct error *err)
{
	struct rotating *r = context;
	struct org_id org;

	enum status rc = find_org(&org, call, r->workspace, err);
	if (rc == OK)
		rc = chain_open(&call->chain, call->tx, org, err);
	if (rc == OK)
		rc = signing_keys_rotate(call, r->workspace, r->alg, err);
	if (rc == OK)
		rc = signing_key_list(&r->keys, &r->count, call, r->workspace, err);
	return rc == OK ? chain_close(&call->chain, call->tx, err) : rc;
}

static void
print_keys(const struct rotating *r)
{
	static const char *const STATES[] = {"", "next", "signs", "retired"};
	char id[UUID_TEXT_LEN + 1];

	for (size_t i = 0; i < r->count; i++) {
		uuid_format(id, r->keys[i].id);
		printf("%s %s %s\n", id, sign_alg_name(r->keys[i].alg), STATES[r->keys[i].state]);
	}
}

static enum status
rotate(struct rotating *r, struct invocation *in, struct local_change *change, struct error *err)
{
	const char *workspace = invocation_value(in, "workspace");
	const char *alg = invocation_value(in, "algorithm");

	r->alg = alg ? sign_alg_parse(str_from(alg)) : SIGN_ES256;
	if (r->alg == SIGN_ALG_NONE)
		return error_set(err, ERR_INVALID, "option-invalid",
			"--algorithm: '%s' is none of those: ES256 or RS256.", alg);
	if (workspace && !uuid_parse(str_from(workspace), &r->workspace.id))
		return error_set(err, ERR_INVALID, "option-invalid",
			"--workspace: '%s' is not an identifier of a workspace.", workspace);
	umask(077);
	enum status rc = local_open(change->installation, &in->config,
		"POST /api/keys/rotate, or /api/workspaces/WORKSPACE/keys/rotate.", err);
	return rc == OK ? local_change(change, err) : rc;
}

enum exit_status
command_keys_rotate(struct invocation *in)
{
	struct installation installation = {0};
	struct rotating rotating = {.alg = SIGN_ES256};
	struct local_change change = {.installation = &installation,
		.arena = arena_new(ARENA_MAX),
		.run = rotate_run,
		.context = &rotating};
	struct error err = {0};

	enum status rc =
		change.arena ? rotate(&rotating, in, &change, &err) : error_no_memory(&err);
	if (rc == OK)
		print_keys(&rotating);
	else
		command_failed(in, &err);
	installation_close(&installation);
	arena_free(&change.arena);
	return rc == OK ? EXIT_OK : EXIT_FAILED;
}
