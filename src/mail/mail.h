#ifndef MAIL_MAIL_H
#define MAIL_MAIL_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/uuid.h"

/*
 * Mail: composing a message (RFC 5322, MIME) and handing it over, by SMTP or into a folder. Nothing
 * is queued here: who calls decides whether and when to try again.
 */
#define MAIL_ADDRESS_MAX 254
#define MAIL_NAME_MAX 200
#define MAIL_SUBJECT_MAX 500
#define MAIL_BODY_MAX ((size_t)128 * 1024) /* of each form */

struct mail_message {
	struct uuid id; /* makes the Message-ID: the same each time it is tried */
	int64_t time_us; /* of writing */
	struct str from; /* "Name <address>", or an address alone */
	struct str to; /* an address */
	struct str subject;
	struct str text;
	struct str html; /* absent: text alone */
};

/* What a line of the options says about where mail goes. The texts outlive what uses them. */
struct mail_transport {
	const char *url; /* smtp://host:port or smtps://host:port; NULL: into `outbox` */
	const char *user; /* NULL: nobody logs in */
	const char *password; /* secret */
	bool without_tls; /* smtp:// then stays plain; to a loopback address it always does */
	const char *outbox; /* a folder, made when it is not there (mode 0700) */
	int timeout_ms; /* of everything */
};

/*
 * Appends the whole message, CRLF after each line: a From, To, Subject, Date, Message-ID and
 * Auto-Submitted, then text, and HTML as its alternative. ERR_INVALID "mail-invalid" when an
 * address is none, or when a value contains control characters (the bodies may have lines and
 * tabs), is not UTF-8, or is too long; ERR_NO_MEMORY also when `out` is too small. Threads: any.
 */
enum status mail_compose(
	struct buf *out, const struct mail_message *message, struct error *err) MUST_USE;

/*
 * Composes the message and hands it over; it may take as long as the transport says. OK when the
 * server has taken it, or when it stands in the folder as TIME-ID.eml (mode 0600) whole and on the
 * disk. ERR_INVALID "mail-invalid" or "mail-refused" when it is of no use to try again; ERR_BUSY
 * "mail-not-sent" (also: the server does not let us log in, or has no TLS) and ERR_NO_MEMORY when
 * it is. The detail holds what the server said. Threads: any.
 */
enum status mail_deliver(const struct mail_message *message, const struct mail_transport *transport,
	struct error *err) MUST_USE;

/* Whether it is "Name <address>" or an address alone, as `from` wants it. */
bool mail_is_sender(struct str text);

#endif
