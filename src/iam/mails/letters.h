#ifndef IAM_LETTERS_H
#define IAM_LETTERS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/*
 * What is written in mails, from the templates in src/iam/mails/letters. Each wants all of its
 * texts, which may be empty where a "?" stands:
 *
 *   sign_in          organisation link minutes client?
 *   invitation       organisation link email inviter?
 *   reset            organisation link minutes email
 *   recovery         organisation link minutes email
 *   sign_up          organisation link minutes email
 *   address_changed  organisation when email new_email
 *   notice           organisation when heading text address? link?
 *
 * `organisation` is whose mail it is; `link` an http(s) address that the server made itself.
 */
struct letter {
	struct str subject, text, html;
};

/* `content` is a JSON object of those texts, none with control characters. In the arena.
 * ERR_INTERNAL "letter-unknown", "template-failed" when a text is missing; ERR_INVALID when it is
 * no such object; ERR_NO_MEMORY. Threads: any. */
enum status letter_write(struct letter *out, struct str name, struct str content,
	struct arena *arena, struct error *err) MUST_USE;

#endif
