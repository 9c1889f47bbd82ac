#include "mail/internal.h"

#include <time.h>

struct mailbox {
	struct str name; /* absent: none */
	struct str address;
};

/* Characters of RFC 5322 section 3.2.3 that would need quoting, and blanks. */
static const char unwanted[] = " \"(),:;<>[\\]";

/* In the form in which it can stand in a header and in a command: no quotes, blanks, controls. */
static bool
is_address(struct str text)
{
	size_t at_signs = 0;
	if (!text.len || text.len > MAIL_ADDRESS_MAX || !str_is_utf8(text))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c < 0x20 || c == 0x7f || strchr(unwanted, c))
			return false;
		at_signs += c == '@';
	}
	return at_signs == 1 && text.ptr[0] != '@' && text.ptr[text.len - 1] != '@';
}

struct str
mail__domain(struct str address)
{
	struct str rest = address;
	str_cut(&rest, '@');
	return rest;
}

/* UTF-8 without control characters; but for ends of lines and tabs, where there may be lines. */
static bool
is_text(struct str text, size_t max, bool lines)
{
	if (text.len > max || !str_is_utf8(text))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (c == 0x7f || (c < 0x20 && !(lines && strchr("\n\r\t", c))))
			return false;
		if (c == 0)
			return false;
	}
	return true;
}

/* False when it is neither "Name <address>" nor an address. */
static bool
parse_mailbox(struct mailbox *out, struct str text)
{
	*out = (struct mailbox){.address = text};
	if (is_address(text))
		return true;
	const char *angle = text.len ? memrchr(text.ptr, '<', text.len) : NULL;
	if (!angle || text.ptr[text.len - 1] != '>')
		return false;
	size_t before = (size_t)(angle - text.ptr);
	out->address = (struct str){angle + 1, text.len - before - 2};
	while (before > 0 && text.ptr[before - 1] == ' ')
		before--;
	out->name = (struct str){text.ptr, before};
	return before > 0 && is_text(out->name, MAIL_NAME_MAX, false) && is_address(out->address);
}

bool
mail_is_sender(struct str text)
{
	struct mailbox mailbox;
	return parse_mailbox(&mailbox, text);
}

static enum status
invalid(struct error *err, const char *what)
{
	return error_set(err, ERR_INVALID, "mail-invalid", "The mail cannot be written: %s.", what);
}

static enum status
check(struct mailbox *from, const struct mail_message *m, struct error *err)
{
	if (!parse_mailbox(from, m->from))
		return invalid(err, "its sender is not of the form 'Name <name@example.org>'");
	if (!is_address(m->to))
		return invalid(err, "its receiver is not an address like name@example.org");
	if (!is_text(m->subject, MAIL_SUBJECT_MAX, false))
		return invalid(err, "its subject is not a line of text");
	if (!is_text(m->text, MAIL_BODY_MAX, true) ||
		(m->html.ptr && !is_text(m->html, MAIL_BODY_MAX, true)))
		return invalid(err, "its body is too long, or is not a text");
	return OK;
}

static void
put_date(struct buf *out, int64_t time_us)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(time_us / 1000000);
	struct tm t = {0};
	gmtime_r(&seconds, &t);
	buf_printf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[t.tm_wday], t.tm_mday,
		months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

static void
put_from(struct buf *out, const struct mailbox *from)
{
	buf_str(out, STR("From: "));
	if (from->name.ptr) {
		mail__phrase(out, from->name, sizeof("From: ") - 1);
		/* On a line of its own, so that no line is too long. */
		buf_str(out, STR("\r\n <"));
	}
	buf_str(out, from->address);
	buf_str(out, from->name.ptr ? STR(">\r\n") : STR("\r\n"));
}

/* No line of what is quoted-printable begins with "--=_". */
static void
put_part(struct buf *out, const char *boundary, const char *type, struct str body)
{
	if (boundary)
		buf_printf(out, "--=_%s\r\n", boundary);
	buf_printf(out,
		"Content-Type: text/%s; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
		type);
	mail__quoted_printable(out, body);
	if (body.len == 0 || body.ptr[body.len - 1] != '\n')
		buf_str(out, STR("\r\n"));
}

enum status
mail_compose(struct buf *out, const struct mail_message *m, struct error *err)
{
	struct mailbox from;
	char id[UUID_TEXT_LEN + 1];
	enum status rc = check(&from, m, err);
	if (rc != OK)
		return rc;
	uuid_format(id, m->id);
	put_from(out, &from);
	buf_printf(out, "To: %.*s\r\n", STR_ARG(m->to));
	mail__header(out, "Subject", m->subject);
	put_date(out, m->time_us);
	buf_printf(out, "Message-ID: <%s@%.*s>\r\n", id, STR_ARG(mail__domain(from.address)));
	buf_str(out, STR("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"));
	if (!m->html.ptr) {
		put_part(out, NULL, "plain", m->text);
	} else {
		buf_printf(
			out, "Content-Type: multipart/alternative; boundary=\"=_%s\"\r\n\r\n", id);
		put_part(out, id, "plain", m->text);
		put_part(out, id, "html", m->html);
		buf_printf(out, "--=_%s--\r\n", id);
	}
	return out->failed ? error_no_memory(err) : OK;
}

/* Three characters for a byte at worst, a soft end for each 25 of them, and the headers. */
#define COMPOSED_MAX (2 * 4 * MAIL_BODY_MAX + (size_t)16 * 1024)

enum status
mail_deliver(
	const struct mail_message *m, const struct mail_transport *transport, struct error *err)
{
	struct buf bytes;
	struct mailbox from;
	buf_init(&bytes, COMPOSED_MAX);
	enum status rc = mail_compose(&bytes, m, err);
	if (rc == OK && parse_mailbox(&from, m->from)) {
		const struct mail_envelope envelope = {
			m->id, m->time_us, from.address, m->to, buf_view(&bytes)};
		rc = transport->url ? mail__send(&envelope, transport, err)
				    : mail__keep(&envelope, transport->outbox, err);
	}
	buf_clear(&bytes);
	return rc;
}
