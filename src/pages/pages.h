#ifndef PAGES_PAGES_H
#define PAGES_PAGES_H

#include "http/server.h"
#include "signin/link.h"
#include "signin/pool.h"
#include "signin/session.h"
#include "signin/throttle.h"
#include "signin/upstream.h"

/*
 * The door for people: forms that sign them in and out, bring them in, and let them see to their
 * accounts. Below the installation's address, for persons, and below that of a workspace
 * (/w/{workspace}), for its end-users:
 *
 *	/sign-in …                     e-mail address, then a password or a link      both
 *	/sign-in/provider …            by an external provider                        installation
 *	/invitation                    of a member, or of an end-user                 both
 *	/consent                       what a client may have (ticket.h)              both
 *	/select-account                who of those that are signed in                both
 *	/sign-out, /signed-out                                                        both
 *	/signed-in                     where an end-user is when nothing else waits   workspace
 *	/sign-up …, /reset …           on one's own; a password forgotten             installation
 *	/select-organisation           which one to act in                            installation
 *	/account …                     one's sessions, password, second factors       installation
 *
 * Plain forms, whose fields templates.h names: GET shows, POST acts and answers 303, or shows the
 * form again and says why (400, 403, 429). A form needs its token `csrf`, bound to the browser and
 * to who is signed in, and has to come from a page of ours. No page tells whether an address is
 * known. /assets/… are the few files that they load.
 */
struct pages;

/* Borrowed: they outlive it. */
struct pages_options {
	struct store *store;
	const struct signin *signin; /* filled in before the first request */
	struct password_pool *pool;
	struct throttle *throttle;
	struct link_desk *links;
	struct upstream *upstream;
	struct session_lives lives;
};

/* Start-up only. Owned; free it after the server has stopped. */
enum status pages_new(
	struct pages **out, const struct pages_options *options, struct error *err) MUST_USE;
void pages_free(struct pages **door);

/* Whether a path is of this door. */
bool pages_handles(struct str path);

/* Handles one exchange, called again after each suspension. Uses the request's state. Threads:
 * serving. */
void pages_handle(struct pages *door, struct http_request *r);

#endif
