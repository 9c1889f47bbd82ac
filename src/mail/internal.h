#ifndef MAIL_INTERNAL_H
#define MAIL_INTERNAL_H

#include "mail/mail.h"

struct mail_mailbox {
	struct str name; /* absent: none */
	struct str address;
};

/* False when it is neither "Name <address>" nor an address. */
bool mail__mailbox_parse(struct mail_mailbox *out, struct str text) MUST_USE;
/* In the form in which it can stand in a header and in a command: no quotes, blanks, controls. */
bool mail__is_address(struct str text);
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
