/* Mails: what is written, and what a server of the test says to it. */
#include "check.h"

#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mail/mail.h"

#define TIMEOUT_MS 20000
#define OUT_MAX ((size_t)2 * 1024 * 1024)

static struct buf out;
static struct error err;
static const struct uuid id = {{1, 2, 3, 4, 5, 6, 0x77, 8, 0x89, 10, 11, 12, 13, 14, 15, 16}};
#define ID_TEXT "01020304-0506-7708-890a-0b0c0d0e0f10"

static struct mail_message
message(void)
{
	return (struct mail_message){.id = id,
		.time_us = INT64_C(1763769096) * 1000000,
		.from = STR("Thingward <no-reply@example.org>"),
		.to = STR("ada@example.net"),
		.subject = STR("Your sign-in link"),
		.text = STR("Hello,\n\nhttps://iam.example.org/l?a=b\n"),
		.html = STR("<p>Hello</p>\n")};
}

static enum status
compose(const struct mail_message *m)
{
	buf_clear(&out);
	buf_init(&out, OUT_MAX);
	error_clear(&err);
	return mail_compose(&out, m, &err);
}

/* Whether a line of what was composed is `line`. */
static bool
has_line(const char *line)
{
	for (struct str rest = buf_view(&out); rest.ptr;) {
		struct str next = str_cut(&rest, '\n');
		if (next.len > 0 && str_eq((struct str){next.ptr, next.len - 1}, str_from(line)))
			return true;
	}
	return false;
}

/* A body: what follows the head. */
static struct str
body_of(void)
{
	const char *end = memmem(out.ptr, out.len, "\r\n\r\n", 4);
	assert_non_null(end);
	end += 4;
	return (struct str){end, (size_t)(out.ptr + out.len - end)};
}

static void
test_mail__a_message(void **state)
{
	(void)state;
	const struct mail_message m = message();
	assert_int_equal(OK, compose(&m));
	check_str(buf_view(&out),
		"From: Thingward\r\n <no-reply@example.org>\r\n"
		"To: ada@example.net\r\n"
		"Subject: Your sign-in link\r\n"
		"Date: Fri, 21 Nov 2025 23:51:36 +0000\r\n"
		"Message-ID: <" ID_TEXT "@example.org>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: multipart/alternative; boundary=\"=_" ID_TEXT "\"\r\n"
		"\r\n"
		"--=_" ID_TEXT "\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n"
		"\r\n"
		"Hello,\r\n\r\nhttps://iam.example.org/l?a=3Db\r\n"
		"--=_" ID_TEXT "\r\n"
		"Content-Type: text/html; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n"
		"\r\n"
		"<p>Hello</p>\r\n"
		"--=_" ID_TEXT "--\r\n");
}

static void
test_mail__text_alone(void **state)
{
	(void)state;
	struct mail_message m = message();
	m.html = (struct str){0};
	m.from = STR("no-reply@example.org");
	assert_int_equal(OK, compose(&m));
	assert_true(has_line("From: no-reply@example.org"));
	assert_true(has_line("Content-Type: text/plain; charset=utf-8"));
	assert_false(has_line("--=_" ID_TEXT "--"));
}

static void
test_mail__subjects(void **state)
{
	(void)state;
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"", "Subject: "},
		{"a, b: c <d@e>", "Subject: a, b: c <d@e>"},
		{"Gr\xc3\xbc\xc3\x9f"
		 "e!",
			"Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe!?="},
		{"=?UTF-8?Q?x?=", "Subject: =?UTF-8?Q?=3D=3FUTF-8=3FQ=3Fx=3F=3D?="},
		{" a b ", "Subject: =?UTF-8?Q?_a_b_?="},
	};
	struct mail_message m = message();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		m.subject = str_from(cases[i].in);
		assert_int_equal(OK, compose(&m));
		if (!has_line(cases[i].want))
			fail_msg("%.400s", out.ptr);
	}
	/* Folded between characters, and no line too long. */
	m.subject = STR("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
			"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac");
	assert_int_equal(OK, compose(&m));
	assert_true(has_line("Subject: =?UTF-8?Q?=E2=82=AC=E2=82=AC=E2=82=AC=E2=82=AC=E2=82=AC"
			     "=E2=82=AC?="));
	assert_true(has_line(" =?UTF-8?Q?=E2=82=AC=E2=82=AC=E2=82=AC=E2=82=AC?="));
}

static void
test_mail__senders(void **state)
{
	(void)state;
	static const char *const good[] = {"a@b", "Name <a@b.example>", "A, \"B\" & C <a@b>",
		"<x> <a@b>", "\xc3\xa9 <\xc3\xa9@b>"};
	static const char *const bad[] = {"", "a", "@b", "a@", "a@b@c", "a b@c", "<a@b>",
		"Name <a@b", "Name a@b>", "Name <a>", "Name <a@b> x", "Na\nme <a@b>",
		"Name <a@b\r\nBcc: x@y>", "Name <a@b>\n", "a@b\n", "a@b\x7f", "\xff <a@b>", "a,b@c",
		"a@b>", "Name <a@[127.0.0.1]>"};
	struct mail_message m = message();
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (!mail_is_sender(str_from(good[i])))
			fail_msg("refused: %s", good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		m.from = str_from(bad[i]);
		if (mail_is_sender(m.from) || compose(&m) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
	}
	m.from = STR("A, \"B\" & C <a@b>");
	assert_int_equal(OK, compose(&m));
	assert_true(has_line("From: =?UTF-8?Q?A=2C_=22B=22_=26_C?="));
	assert_true(has_line(" <a@b>"));
}

static void
test_mail__what_cannot_be_written(void **state)
{
	(void)state;
	static char big[MAIL_BODY_MAX + 1];
	const struct str addresses[] = {STR(""), STR("x"), STR("a@b\r\nBcc: c@d"), STR("a@b\n"),
		STR("a@b, c@d"), STR("<a@b>"), STR("a@b c"), {"a@b\0", 4}, {NULL, 0}};
	const struct str subjects[] = {STR("a\r\nBcc: c@d"), STR("a\nb"), STR("a\tb"), {"a\0b", 3},
		STR("\xc3"), STR("a\x7f"), {big, MAIL_SUBJECT_MAX + 1}, {NULL, 0}};
	const struct str texts[] = {
		{"a\0b", 3}, STR("a\x1b[0m"), STR("\xed\xa0\x80"), {big, sizeof(big)}, {NULL, 0}};
	memset(big, 'x', sizeof(big));
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		struct mail_message m = message();
		m.to = addresses[i];
		assert_int_equal(ERR_INVALID, compose(&m));
		assert_string_equal("mail-invalid", err.code);
	}
	for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
		struct mail_message m = message();
		m.subject = subjects[i];
		assert_int_equal(ERR_INVALID, compose(&m));
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct mail_message m = message();
		m.text = texts[i];
		assert_int_equal(ERR_INVALID, compose(&m));
		m = message();
		m.html = texts[i];
		assert_int_equal(texts[i].ptr ? ERR_INVALID : OK, compose(&m));
	}
}

static void
test_mail__bodies(void **state)
{
	(void)state;
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"", "\r\n"},
		{"a=b", "a=3Db\r\n"},
		{"a \nb\t\n c", "a=20\r\nb=09\r\n c\r\n"},
		{"a\r\nb\rc", "a\r\nb=0Dc\r\n"},
		{".\n..\n", ".\r\n..\r\n"},
		{"\xc3\xa9", "=C3=A9\r\n"},
		/* 76 stay on a line, 77 do not. */
		{"0123456789012345678901234567890123456789012345678901234567890123456789012345\n",
			"012345678901234567890123456789012345678901234567890123456789012345678901"
			"2345\r\n"},
		{"01234567890123456789012345678901234567890123456789012345678901234567890123456",
			"012345678901234567890123456789012345678901234567890123456789012345678901"
			"234=\r\n56\r\n"},
		{"01234567890123456789012345678901234567890123456789012345678901234567890123=\n",
			"012345678901234567890123456789012345678901234567890123456789012345678901"
			"23=\r\n=3D\r\n"},
	};
	struct mail_message m = message();
	m.html = (struct str){0};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		m.text = str_from(cases[i].in);
		assert_int_equal(OK, compose(&m));
		check_str(body_of(), cases[i].want);
	}
}

/* The largest that is allowed, in the worst case of its encoding, still fits. */
static void
test_mail__the_largest(void **state)
{
	(void)state;
	static char big[MAIL_BODY_MAX];
	const struct mail_transport nowhere = {.outbox = "/nonexistent/outbox"};
	struct mail_message m = message();
	memset(big, '=', sizeof(big));
	m.text = m.html = (struct str){big, sizeof(big)};
	error_clear(&err);
	assert_int_equal(ERR_BUSY, mail_deliver(&m, &nowhere, &err));
	assert_string_equal("mail-not-sent", err.code);
	assert_non_null(strstr(err.text, "/nonexistent/outbox"));
}

static char folder[64];

static struct str
only_file_in(char path[512], const char *in)
{
	static char text[4096];
	unsigned count = 0;
	DIR *dir = opendir(in);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(path, 512, "%s/%s", in, entry->d_name);
		count++;
	}
	closedir(dir);
	assert_int_equal(1, count);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	size_t len = fread(text, 1, sizeof(text), f);
	fclose(f);
	return (struct str){text, len};
}

static void
test_mail__into_a_folder(void **state)
{
	(void)state;
	char outbox[128], path[512];
	struct stat st;
	const struct mail_message m = message();
	snprintf(folder, sizeof(folder), "/tmp/thingward-mail-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(outbox, sizeof(outbox), "%s/outbox", folder);
	const struct mail_transport transport = {.outbox = outbox};
	assert_int_equal(OK, compose(&m));
	/* The second time it is the same file. */
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(OK, mail_deliver(&m, &transport, &err));
		assert_true(str_eq(only_file_in(path, outbox), buf_view(&out)));
	}
	assert_non_null(strstr(path, "/outbox/20251121T235136Z-" ID_TEXT ".eml"));
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 0777);
	assert_int_equal(0, stat(outbox, &st));
	assert_int_equal(0700, st.st_mode & 0777);
	assert_int_equal(0, unlink(path));
	/* A link that somebody has laid where the draft goes is not followed. */
	snprintf(path, sizeof(path), "%s/." ID_TEXT ".draft", outbox);
	assert_int_equal(0, symlink("../elsewhere", path));
	assert_int_equal(ERR_BUSY, mail_deliver(&m, &transport, &err));
	unlink(path);
	assert_int_equal(0, rmdir(outbox));
	assert_int_equal(0, rmdir(folder));
}

/* A mail server that says to each command what it is told to. */
static struct {
	int listener;
	uint16_t port;
	const char *greeting, *ehlo, *mail, *rcpt, *data, *end, *auth;
	char heard[8192];
} far_end;

static int
start(void **state)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	(void)state;
	far_end.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (far_end.listener < 0 || bind(far_end.listener, (struct sockaddr *)&addr, len) != 0 ||
		listen(far_end.listener, 5) != 0 ||
		getsockname(far_end.listener, (struct sockaddr *)&addr, &len) != 0)
		return -1;
	far_end.port = ntohs(addr.sin_port);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	buf_clear(&out);
	return close(far_end.listener);
}

static const char *
answer_to(const char *line)
{
	if (strncmp(line, "EHLO", 4) == 0)
		return far_end.ehlo ? far_end.ehlo : "250 here";
	if (strncmp(line, "AUTH", 4) == 0)
		return "334 ";
	/* Base64 of "\0mailer\0s3cret-word". */
	if (strncmp(line, "AG1haWxlcgBzM2NyZXQtd29yZA==", 28) == 0)
		return far_end.auth ? far_end.auth : "235 welcome";
	if (strncmp(line, "MAIL", 4) == 0)
		return far_end.mail ? far_end.mail : "250 ok";
	if (strncmp(line, "RCPT", 4) == 0)
		return far_end.rcpt ? far_end.rcpt : "250 ok";
	if (strncmp(line, "DATA", 4) == 0)
		return far_end.data ? far_end.data : "354 go";
	if (strcmp(line, ".\r\n") == 0)
		return far_end.end ? far_end.end : "250 taken";
	return strncmp(line, "QUIT", 4) == 0 ? "221 bye" : NULL;
}

static void *
serve(void *unused)
{
	char line[1024];
	int fd = accept4(far_end.listener, NULL, NULL, SOCK_CLOEXEC);
	FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;
	size_t used = 0;
	bool in_data = false;
	(void)unused;
	if (!in)
		return NULL;
	dprintf(fd, "%s\r\n", far_end.greeting ? far_end.greeting : "220 mail");
	while (fgets(line, sizeof(line), in)) {
		size_t len = strlen(line);
		if (used + len < sizeof(far_end.heard)) {
			memcpy(far_end.heard + used, line, len + 1);
			used += len;
		}
		const char *say = in_data && strcmp(line, ".\r\n") != 0 ? NULL : answer_to(line);
		if (say)
			dprintf(fd, "%s\r\n", say);
		if (say && strncmp(line, "DATA", 4) == 0)
			in_data = say[0] == '3';
		else if (say)
			in_data = false;
	}
	fclose(in);
	return NULL;
}

static enum status
send_by(struct mail_transport transport, const char *host)
{
	char url[64];
	pthread_t thread;
	const struct mail_message m = message();
	snprintf(url, sizeof(url), "smtp://%s:%u", host, far_end.port);
	far_end.heard[0] = '\0';
	error_clear(&err);
	transport.url = url;
	transport.timeout_ms = TIMEOUT_MS;
	assert_int_equal(0, pthread_create(&thread, NULL, serve, NULL));
	enum status rc = mail_deliver(&m, &transport, &err);
	assert_int_equal(0, pthread_join(thread, NULL));
	return rc;
}

static enum status
send_plainly(void)
{
	return send_by((struct mail_transport){0}, "127.0.0.1");
}

static bool
heard(const char *what)
{
	return strstr(far_end.heard, what) != NULL;
}

static void
forget_answers(void)
{
	far_end.greeting = far_end.ehlo = far_end.mail = far_end.rcpt = NULL;
	far_end.data = far_end.end = far_end.auth = NULL;
}

static void
test_smtp__a_message_is_taken(void **state)
{
	(void)state;
	const struct mail_message m = message();
	forget_answers();
	assert_int_equal(OK, send_plainly());
	assert_true(heard("EHLO example.org\r\n"));
	assert_true(heard("MAIL FROM:<no-reply@example.org>"));
	assert_true(heard("RCPT TO:<ada@example.net>\r\n"));
	assert_int_equal(OK, compose(&m));
	buf_str(&out, STR(".\r\n"));
	buf_char(&out, '\0');
	assert_true(heard(out.ptr));
}

static void
test_smtp__answers_for_good_and_for_now(void **state)
{
	(void)state;
	const struct {
		const char **place;
		const char *says;
		enum status want;
	} cases[] = {
		{&far_end.rcpt, "550 nobody of that name", ERR_INVALID},
		{&far_end.rcpt, "450 come back", ERR_BUSY},
		{&far_end.mail, "553 not that sender", ERR_INVALID},
		{&far_end.mail, "451 not now", ERR_BUSY},
		{&far_end.mail, "530 log in first", ERR_BUSY},
		{&far_end.data, "554 no", ERR_INVALID},
		{&far_end.data, "421 going", ERR_BUSY},
		{&far_end.end, "552 too large", ERR_INVALID},
		{&far_end.end, "452 full", ERR_BUSY},
		{&far_end.greeting, "554 not you", ERR_BUSY},
		{&far_end.greeting, "421 busy", ERR_BUSY},
		{&far_end.greeting, "rubbish", ERR_BUSY},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		forget_answers();
		*cases[i].place = cases[i].says;
		if (send_plainly() != cases[i].want)
			fail_msg("%s: %s", cases[i].says, err.detail);
		assert_string_equal(
			cases[i].want == ERR_BUSY ? "mail-not-sent" : "mail-refused", err.code);
		assert_non_null(strstr(err.detail, "smtp://127.0.0.1:"));
	}
}

static void
test_smtp__logging_in(void **state)
{
	(void)state;
	const struct mail_transport transport = {.user = "mailer", .password = "s3cret-word"};
	forget_answers();
	far_end.ehlo = "250-here\r\n250 AUTH PLAIN";
	assert_int_equal(OK, send_by(transport, "127.0.0.1"));
	assert_true(heard("AUTH PLAIN"));
	far_end.auth = "535 no";
	assert_int_equal(ERR_BUSY, send_by(transport, "127.0.0.1"));
	assert_false(heard("MAIL FROM"));
	assert_null(strstr(err.detail, "s3cret"));
}

/* 127.0.0.1 by another name is not what is excepted. */
static void
test_smtp__tls_is_wanted(void **state)
{
	(void)state;
	const struct mail_transport transport = {.user = "mailer", .password = "s3cret-word"};
	forget_answers();
	far_end.ehlo = "250-here\r\n250 AUTH PLAIN";
	assert_int_equal(ERR_BUSY, send_by(transport, "127.1"));
	assert_string_equal("mail-not-sent", err.code);
	assert_false(heard("AUTH"));
	assert_false(heard("MAIL FROM"));
	assert_int_equal(OK, send_by((struct mail_transport){.without_tls = true}, "127.1"));
}

static void
test_smtp__a_server_that_is_away(void **state)
{
	(void)state;
	const struct mail_message m = message();
	const struct mail_transport transport = {
		.url = "smtp://127.0.0.1:1", .timeout_ms = TIMEOUT_MS};
	error_clear(&err);
	assert_int_equal(ERR_BUSY, mail_deliver(&m, &transport, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail__a_message),
		cmocka_unit_test(test_mail__text_alone),
		cmocka_unit_test(test_mail__subjects),
		cmocka_unit_test(test_mail__senders),
		cmocka_unit_test(test_mail__what_cannot_be_written),
		cmocka_unit_test(test_mail__bodies),
		cmocka_unit_test(test_mail__the_largest),
		cmocka_unit_test(test_mail__into_a_folder),
		cmocka_unit_test(test_smtp__a_message_is_taken),
		cmocka_unit_test(test_smtp__answers_for_good_and_for_now),
		cmocka_unit_test(test_smtp__logging_in),
		cmocka_unit_test(test_smtp__tls_is_wanted),
		cmocka_unit_test(test_smtp__a_server_that_is_away),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
