/* Whatever becomes a mail has the headers that we write and no others, in lines of a mail's length,
 * and its subject and its text can be read back. The input: sender, receiver and subject, a line
 * each, then the text. */

#include "fuzz.h"
#include "mail/mail.h"

#define OUT_MAX ((size_t)4 * 1024 * 1024)
/* 78 is RFC 5322's wish for lines that we can break; an address is the one thing we cannot. */
#define LINE_MAX (MAIL_ADDRESS_MAX + 60)

/* The next line, without its CRLF. */
static struct str
next_line(struct str *rest)
{
	struct str line = str_cut(rest, '\n');
	require(rest->ptr != NULL && line.len > 0 && line.ptr[line.len - 1] == '\r');
	line.len--;
	require(line.len <= LINE_MAX && (line.len == 0 || !memchr(line.ptr, '\r', line.len)));
	return line;
}

/* One character of quoted-printable or of a word; what it consumed. */
static size_t
decode_one(struct buf *out, struct str in, size_t at)
{
	if (in.ptr[at] != '=') {
		buf_char(out, in.ptr[at]);
		return 1;
	}
	require(at + 2 < in.len);
	int high = str_hex_value(in.ptr[at + 1]), low = str_hex_value(in.ptr[at + 2]);
	require(high >= 0 && low >= 0);
	buf_char(out, (char)(high << 4 | low));
	return 3;
}

/* The words of one line of a header, or the line itself. */
static void
decode_words(struct buf *out, struct str line)
{
	if (!str_starts(line, STR("=?UTF-8?Q?"))) {
		buf_str(out, line);
		return;
	}
	require(line.len >= 12 && line.len <= 75);
	require(line.ptr[line.len - 2] == '?' && line.ptr[line.len - 1] == '=');
	for (size_t at = 10; at < line.len - 2;) {
		require(line.ptr[at] != '?' && line.ptr[at] != ' ');
		if (line.ptr[at] == '_') {
			buf_char(out, ' ');
			at++;
		} else {
			at += decode_one(out, (struct str){line.ptr, line.len - 2}, at);
		}
	}
}

static struct str
without(struct str line, size_t len)
{
	return (struct str){line.ptr + len, line.len - len};
}

static void
check_head(struct str *rest, const struct mail_message *m)
{
	struct buf subject;
	buf_init(&subject, OUT_MAX);
	struct str line = next_line(rest);
	require(str_starts(line, STR("From: ")));
	for (line = next_line(rest); str_starts(line, STR(" ")); line = next_line(rest))
		;
	require(str_starts(line, STR("To: ")) && str_eq(without(line, 4), m->to));
	line = next_line(rest);
	require(str_starts(line, STR("Subject: ")));
	decode_words(&subject, without(line, 9));
	for (line = next_line(rest); str_starts(line, STR(" ")); line = next_line(rest))
		decode_words(&subject, without(line, 1));
	require(!subject.failed && subject.len == m->subject.len);
	require(m->subject.len == 0 || memcmp(subject.ptr, m->subject.ptr, subject.len) == 0);
	buf_clear(&subject);
	require(str_starts(line, STR("Date: ")));
	require(str_starts(next_line(rest), STR("Message-ID: <")));
	require(str_eq(next_line(rest), STR("Auto-Submitted: auto-generated")));
	require(str_eq(next_line(rest), STR("MIME-Version: 1.0")));
	require(str_eq(next_line(rest), STR("Content-Type: text/plain; charset=utf-8")));
	require(str_eq(next_line(rest), STR("Content-Transfer-Encoding: quoted-printable")));
	require(next_line(rest).len == 0);
}

/* What the text is once each end of line in it is one '\n'. */
static void
check_body(struct str rest, struct str text)
{
	struct buf got, want;
	buf_init(&got, OUT_MAX);
	buf_init(&want, OUT_MAX);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != '\r' || i + 1 == text.len || text.ptr[i + 1] != '\n')
			buf_char(&want, text.ptr[i]);
	}
	if (want.len == 0 || want.ptr[want.len - 1] != '\n')
		buf_char(&want, '\n');
	while (rest.len > 0) {
		struct str line = next_line(&rest);
		bool goes_on = line.len > 0 && line.ptr[line.len - 1] == '=';
		require(line.len <= 76);
		line.len -= goes_on;
		require(goes_on || line.len == 0 || !strchr(" \t", line.ptr[line.len - 1]));
		for (size_t at = 0; at < line.len;)
			at += decode_one(&got, line, at);
		if (!goes_on)
			buf_char(&got, '\n');
	}
	require(!got.failed && got.len == want.len && memcmp(got.ptr, want.ptr, got.len) == 0);
	buf_clear(&got);
	buf_clear(&want);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size};
	struct mail_message m = {.time_us = INT64_C(1763769096000000)};
	struct error err = {0};
	struct buf out;
	m.from = str_cut(&rest, '\n');
	m.to = str_cut(&rest, '\n');
	m.subject = str_cut(&rest, '\n');
	m.text = rest;
	buf_init(&out, OUT_MAX);
	if (mail_compose(&out, &m, &err) == OK) {
		struct str written = buf_view(&out);
		require(mail_is_sender(m.from));
		check_head(&written, &m);
		check_body(written, m.text);
	} else {
		require(err.status == ERR_INVALID && err.text[0]);
	}
	buf_clear(&out);
	return 0;
}
