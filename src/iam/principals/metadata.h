#ifndef IAM_METADATA_H
#define IAM_METADATA_H

#include "iam/principals/principals.h"

/* What others keep about an end-user or a client: any JSON, by key. The server reads nothing in it
 * but the key `ingest_context` of end-users, which is stamped onto what they submit. */
#define METADATA_KEYS_MAX 256
#define METADATA_VALUE_MAX ((size_t)64 * 1024)
#define METADATA_PAGE_MAX 25 /* of whole values */

struct metadata {
	struct uuid id; /* of the entry, for paging */
	struct str key;
	struct str value; /* JSON text */
	int64_t changed; /* revision */
};

/* ERR_NOT_FOUND "metadata-not-found". */
enum status metadata_load(struct metadata *out, struct call *call, struct principal_id principal,
	struct str key, struct error *err) MUST_USE;
/* All that there is, in the order in which the keys came; page->search: of keys. */
enum status metadata_list(struct metadata **out, size_t *count, struct call *call,
	struct principal_id principal, struct page *page, struct error *err) MUST_USE;

/* Sets one key; the same value again changes nothing. The record has its length and digest alone.
 * ERR_LIMIT "too-many-metadata", ERR_TOO_LARGE "metadata-too-large", ERR_PRECONDITION. */
struct metadata_draft {
	struct str key, value;
	int64_t if_match;
};
enum status metadata_set(struct metadata *out, struct call *call, const struct principal *of,
	const struct metadata_draft *draft, struct error *err) MUST_USE;
enum status metadata_delete(struct call *call, const struct principal *of, struct str key,
	int64_t if_match, struct error *err) MUST_USE;

void metadata_write(struct json_writer *w, const char *name, const void *metadata);

#endif
