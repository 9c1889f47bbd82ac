#ifndef IAM_FAMILIES_H
#define IAM_FAMILIES_H

#include "iam/principals/principals.h"

/*
 * A refresh token and its successors: what a user has with a client until one of the two, or an
 * administrator, ends it. Listed as the active sessions of a workspace (nil: of the organisation's
 * members, with the installation's issuer). `sid` in access tokens.
 */
struct family {
	struct family_id id;
	struct workspace_id workspace;
	struct principal_id principal;
	enum principal_kind kind; /* of the principal */
	struct str name, email; /* of the principal */
	struct principal_id client;
	struct str client_name;
	struct str scope; /* names with blanks between */
	int64_t created_us, used_us;
	int64_t expires_us; /* unless it is used before */
	int64_t ends_us; /* in any case */
};

struct family_filter {
	struct workspace_id workspace;
	struct principal_id principal; /* nil: any */
	struct principal_id client; /* nil: any */
};

/* Live ones; page->search: of the names of principals. */
enum status family_list(struct family **out, size_t *count, struct call *call,
	const struct family_filter *filter, struct page *page, struct error *err) MUST_USE;

/* Ends one at once, its access tokens included, with a record. Its client is told, unless it is
 * that which ends it. ERR_NOT_FOUND "session-not-found". */
enum status family_end(struct call *call, struct workspace_id workspace, struct family_id id,
	struct error *err) MUST_USE;

void family_write(struct json_writer *w, const char *name, const void *family);

#endif
