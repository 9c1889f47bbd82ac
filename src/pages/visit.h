#ifndef PAGES_VISIT_H
#define PAGES_VISIT_H

#include "door/page.h"
#include "door/wait.h"
#include "http/form.h"
#include "iam/tokens/issuers.h"
#include "pages/pages.h"
#include "pages/templates.h"
#include "signin/browser.h"
#include "signin/entrance.h"
#include "signin/ticket.h"

/*
 * One exchange of a browser with a page, in the arena of its request. What every page needs is read
 * first, in one transaction: the issuer, who is signed in, the client that waits, and what the page
 * itself loads. Then it is shown, or its form is acted upon, step by step.
 */
struct visit;
typedef void visit_step(struct visit *v);
/* In a transaction, with a call that is open as an event in the issuer's organisation; may run
 * again from its start. */
typedef enum status visit_job(struct visit *v, struct call *call, struct error *err);
/* What a page makes of an error: false when it has nothing to say to it. */
typedef bool visit_recovery(struct visit *v, const struct error *err);

struct page_route {
	const char *path; /* below the issuer */
	bool installation, workspace; /* where it is */
	bool signed_in; /* for who is signed in alone: others are sent to do so, and back */
	bool whole; /* whoever came by one organisation's provider is not signed in here */
	visit_job *load; /* NULL: nothing beside what all need */
	visit_step *get, *post; /* NULL: not this method */
};

struct visit {
	struct pages *door;
	const struct pages_options *options;
	struct http_request *http;
	const struct page_route *route;
	int64_t now_us;
	struct workspace_id issuer; /* nil: the installation */
	struct str base; /* its path: "" or "/w/…" */
	struct http_form query, form;
	struct browser browser;
	bool browser_new;

	/* Loaded. */
	bool loaded; /* from here on a job sees first whether who is signed in still is */
	struct issuer of;
	bool issuer_found;
	bool signed_in;
	bool bounded; /* there is a session, which does not do for this page */
	struct session session;
	bool ticketed;
	struct ticket ticket;
	struct str ticket_text; /* "" without one */
	struct str client; /* the name of who waits; "" when nobody does */

	/* Of the page. */
	struct str action; /* of its form; absent: its own path */
	struct str error, notice; /* shown on top; absent: none */
	unsigned status; /* 0: 200 */
	struct str leads_to; /* absent: to the client that waits, if any */
	void *state;

	struct entered entered; /* who has just signed in */

	/* Of waiting. */
	struct wait *wait;
	visit_step *next;
	visit_job *job;
	visit_recovery *recover; /* of the next wait alone; NULL: errors are shown */
	struct password_task task;
};

/* pages.c */
struct pages {
	struct pages_options options;
};
const struct page_route *visit_find_route(struct str path, struct workspace_id *issuer);

/* visit.c: from the first look at a request to the step of its page. */
void visit_begin(struct pages *door, struct http_request *r);
void visit_resumed(struct visit *v);

/* Another ticket in place of the one that came; absent or "": none. One that is no good leaves
 * none; a failure is that it could not be looked at. */
enum status visit_take_ticket(struct visit *v, struct str text, struct error *err) MUST_USE;

/* The name of the client that the ticket speaks of. In a transaction. */
enum status visit_load_client(struct visit *v, struct call *call, struct error *err) MUST_USE;

/* Whether who was signed in still is: a session may end while somebody's password is hashed.
 * ERR_FORBIDDEN "session-ended". In a transaction; the jobs of pages that are for who is signed in
 * alone begin with it. */
enum status visit_stands(struct visit *v, struct call *call, struct error *err) MUST_USE;

/* Waiting: `next` is called when it is over; errors are shown. */
void visit_read(struct visit *v, visit_job *job, visit_step *next);
/* Changes of one organisation are in order. `org`: whose this is. */
void visit_change(struct visit *v, struct org_id org, visit_job *job, visit_step *next);
/* v->task, filled in by the caller. */
void visit_password(struct visit *v, visit_step *next);

/* answer.c: an answer, once. */
/* The page with its own values, and those that all have: brand, action, csrf, ticket, error,
 * notice, client. */
void visit_show(struct visit *v, const struct html_template *html, struct html_map values);
/* On to a path of ours below the issuer (303), with a ticket if there is one (NULL: without). */
void visit_go(struct visit *v, const char *path, const struct ticket *ticket);
/* To an address that is whole. */
void visit_go_to(struct visit *v, struct str location);
/* The error, as a page. */
void visit_fail(struct visit *v, const struct error *err);
/* On to what waited for the sign-in. */
void visit_go_on(struct visit *v);
/* Where one signs in for this page, even if there is a session that does not do. */
const char *visit_sign_in(const struct visit *v);
/* Whose pages these are. */
struct str visit_brand(const struct visit *v);
/* Text in the arena; "" when it is full, which then shows. */
struct str visit_print(struct visit *v, const char *fmt, ...) PRINTF(2, 3);

/* Fields of the form; absent when there is none. Several of one name were refused. */
struct str visit_field(const struct visit *v, const char *name);
struct str visit_param(const struct visit *v, const char *name);
bool visit_decides(const struct visit *v, const char *decision);
/* An e-mail address that was typed, without blanks around it. ERR_INVALID. */
struct typed_email {
	struct str email, normal;
};
enum status visit_email(struct typed_email *out, struct visit *v, struct error *err) MUST_USE;
/* A name that somebody typed, in NFC. ERR_INVALID. */
enum status visit_name(struct str *out, struct visit *v, struct error *err) MUST_USE;

/* The ticket that came, or a new one that leads to a path of ours. */
struct ticket visit_ticket(const struct visit *v, const char *path);

/* Whether somebody has signed in to this account in this browser before. */
bool visit_is_known(const struct visit *v, struct str account);
/* throttle: true when it may be tried; otherwise v->error and v->status say how long to wait. */
bool visit_may_try(struct visit *v, enum try_kind kind, struct str account);
void visit_tried_well(struct visit *v, enum try_kind kind, struct str account);

/* proved.c: who came is proved, and goes on: signed in, or to the second step (second.c). */
void visit_proved(struct visit *v, const struct proved *proved);
/* The part inside a change that something else belongs to; then visit_entered. */
enum status visit_enter(struct visit *v, struct call *call, const struct proved *proved,
	struct error *err) MUST_USE;
/* Gives the browser its cookies. */
void visit_entered(struct visit *v);

#endif
