#ifndef AUTHZEN_JUDGE_H
#define AUTHZEN_JUDGE_H

#include "authzen/authzen.h"
#include "authzen/request.h"
#include "iam/call.h"

/*
 * From what a request says to a decision. All of it happens inside one directory_enter section,
 * and allocates nothing unless a token is proved. What is not in memory is noted in `misses`; then
 * what was found so far means nothing: load, and begin again from judge_open.
 */
struct judge {
	const struct authzen *door;
	int64_t now_us;
	struct caller caller;
	const struct org_view *org; /* the caller's own */
	struct subject self; /* the caller, with its credential */
	const struct workspace_view *workspace; /* of the path, or NULL */
	struct directory_era era; /* what all of it is of */
	int64_t revision; /* what is decided on is at least this new */
	int64_t age_us;

	/* Set before judge_open: what tokens prove is kept in the request's arena, … */
	struct http_request *http;
	bool caught_up; /* … all that was committed when it came is known by now. */
	bool behind; /* Afterwards: what was demanded is newer than is known; asking may help. */

	/* The last node at which it was seen whether the caller may ask. */
	const struct workspace_view *asked_at;
	bool asked, may_ask;

	const struct group_view *self_groups[GROUPS_PER_PRINCIPAL_MAX];
	struct misses misses;
};

/* `workspace` is that of the path, or nil; `header` is that of Authorization. ERR_UNAUTHENTICATED;
 * ERR_NOT_FOUND when the caller's organisation has no such workspace, ERR_FORBIDDEN when the caller
 * may not ask about it. Nothing else of `j` needs to be initialised. Check j->misses first. */
enum status judge_open(struct judge *j, const struct authzen *door, struct str header,
	struct workspace_id workspace, struct error *err) MUST_USE;

/* A decision and all that explains it, valid inside the section. */
struct ruling {
	struct question question;
	struct answer answer;
	const struct group_view *groups[GROUPS_PER_PRINCIPAL_MAX];
};

/* ERR_FORBIDDEN when the caller may not ask there; ERR_NOT_REACHED, ERR_BUSY when what is known is
 * older than the request demands, of another incarnation, or about to be so; ERR_NO_MEMORY,
 * ERR_INTERNAL when the subject was not looked at. Check j->misses first. */
enum status judge_decide(struct ruling *out, struct judge *j, const struct access_request *request,
	struct error *err) MUST_USE;

#endif
