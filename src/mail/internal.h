#ifndef MAIL_INTERNAL_H
#define MAIL_INTERNAL_H

#include "mail/mail.h"

/* What follows the '@'. */
struct str mail__domain(struct str address);

/* RFC 2045 section 6.7: lines of 76 characters at most, "\n" and "\r\n" as CRLF. */
void mail__quoted_printable(struct buf *out, struct str text);
/* A header and its CRLF; RFC 2047 words, folded, where the value is not short and plain. */
void mail__header(struct buf *out, const char *name, struct str value);
/* A name before an address; `used` characters stand on the line already. */
void mail__phrase(struct buf *out, struct str text, size_t used);

/* A message that is composed, on its way out. */
struct mail_envelope {
	struct uuid id;
	int64_t time_us;
	struct str from, to; /* addresses */
	struct str bytes;
};

enum status mail__send(const struct mail_envelope *envelope, const struct mail_transport *transport,
	struct error *err) MUST_USE;
enum status mail__keep(
	const struct mail_envelope *envelope, const char *outbox, struct error *err) MUST_USE;

#endif
