#include "mail/internal.h"

#include <curl/curl.h>
#include <pthread.h>
#include <string.h>

/* One message on its way to a server. */
struct sending {
	const struct mail_envelope *envelope;
	const struct mail_transport *transport;
	CURL *curl;
	struct curl_slist *receivers;
	size_t sent; /* bytes of the message */
	char said[CURL_ERROR_SIZE];
};

static void
start_library(void)
{
	ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

static size_t
give_bytes(char *out, size_t size, size_t count, void *context)
{
	struct sending *s = context;
	size_t left = s->envelope->bytes.len - s->sent;
	size_t len = size * count < left ? size * count : left;
	memcpy(out, s->envelope->bytes.ptr + s->sent, len);
	s->sent += len;
	return len;
}

/* Nobody listens on the way there. */
static bool
is_loopback(const char *url)
{
	static const char *const hosts[] = {"127.0.0.1", "[::1]", "localhost"};
	const char *host = strstr(url, "://");
	for (size_t i = 0; host && i < ARRAY_LEN(hosts); i++) {
		size_t len = strlen(hosts[i]);
		if (strncmp(host + 3, hosts[i], len) == 0 && strchr(":/", host[3 + len]))
			return true;
	}
	return false;
}

static bool
set_numbers(struct sending *s)
{
	const struct mail_transport *t = s->transport;
	bool plain = t->without_tls || is_loopback(t->url);
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{CURLOPT_NOSIGNAL, 1},
		{CURLOPT_TIMEOUT_MS, t->timeout_ms},
		{CURLOPT_CONNECTTIMEOUT_MS, t->timeout_ms},
		{CURLOPT_USE_SSL, plain ? CURLUSESSL_NONE : CURLUSESSL_ALL},
		{CURLOPT_SSL_VERIFYPEER, 1},
		{CURLOPT_SSL_VERIFYHOST, 2},
		{CURLOPT_UPLOAD, 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (curl_easy_setopt(s->curl, numbers[i].option, numbers[i].value) != CURLE_OK)
			return false;
	}
	return true;
}

/* The path of the URL is the name by which we greet. */
static bool
set_url(struct sending *s)
{
	struct buf url;
	buf_init(&url, 2048);
	size_t len = strlen(s->transport->url);
	while (len > 0 && s->transport->url[len - 1] == '/')
		len--;
	buf_printf(&url, "%.*s/%.*s", (int)len, s->transport->url,
		STR_ARG(mail__domain(s->envelope->from)));
	buf_char(&url, '\0');
	bool set = !url.failed && curl_easy_setopt(s->curl, CURLOPT_URL, url.ptr) == CURLE_OK;
	buf_clear(&url);
	return set;
}

static bool
set_envelope(struct sending *s)
{
	char space[2 * (MAIL_ADDRESS_MAX + 3)];
	char *from = space, *to = space + MAIL_ADDRESS_MAX + 3;
	snprintf(from, MAIL_ADDRESS_MAX + 3, "<%.*s>", STR_ARG(s->envelope->from));
	snprintf(to, MAIL_ADDRESS_MAX + 3, "<%.*s>", STR_ARG(s->envelope->to));
	s->receivers = curl_slist_append(NULL, to);
	return s->receivers && curl_easy_setopt(s->curl, CURLOPT_MAIL_FROM, from) == CURLE_OK &&
		curl_easy_setopt(s->curl, CURLOPT_MAIL_RCPT, s->receivers) == CURLE_OK;
}

static bool
set_up(struct sending *s)
{
	const struct mail_transport *t = s->transport;
	CURL *curl = s->curl;
	if (t->user &&
		(curl_easy_setopt(curl, CURLOPT_USERNAME, t->user) != CURLE_OK ||
			curl_easy_setopt(curl, CURLOPT_PASSWORD, t->password ? t->password : "") !=
				CURLE_OK))
		return false;
	return set_numbers(s) && set_url(s) && set_envelope(s) &&
		curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_bytes) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_READDATA, s) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE,
			(curl_off_t)s->envelope->bytes.len) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, s->said) == CURLE_OK;
}

/*
 * For good is what the server says with 5xx of this sender, this receiver or this message (RFC 5321
 * section 4.2.1). That it does not want us at all, wants a password or TLS (530), or does not know
 * our password, is for the operator to put right, while the mail waits.
 */
static enum status
failed(const struct sending *s, CURLcode code, struct error *err)
{
	long answer = 0;
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &answer);
	bool of_message =
		code == CURLE_SEND_ERROR || (code == CURLE_WEIRD_SERVER_REPLY && s->sent > 0);
	if (code == CURLE_OUT_OF_MEMORY)
		return error_no_memory(err);
	if (of_message && answer >= 500 && answer <= 599 && answer != 530)
		error_set(err, ERR_INVALID, "mail-refused", "The mail server refuses the mail.");
	else
		error_set(err, ERR_BUSY, "mail-not-sent", "The mail server did not take the mail.");
	return error_detail(err, "%s: %s (%ld)", s->transport->url,
		*s->said ? s->said : curl_easy_strerror(code), answer);
}

enum status
mail__send(const struct mail_envelope *envelope, const struct mail_transport *transport,
	struct error *err)
{
	static pthread_once_t started = PTHREAD_ONCE_INIT;
	pthread_once(&started, start_library);
	struct sending s = {.envelope = envelope, .transport = transport, .curl = curl_easy_init()};
	enum status rc = OK;
	if (!s.curl || !set_up(&s)) {
		rc = error_no_memory(err);
	} else {
		CURLcode code = curl_easy_perform(s.curl);
		if (code != CURLE_OK)
			rc = failed(&s, code, err);
	}
	curl_slist_free_all(s.receivers);
	curl_easy_cleanup(s.curl);
	return rc;
}
