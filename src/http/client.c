#include "http/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADERS_MAX ((size_t)64 * 1024)

/* One request on its way. */
struct exchange {
	const struct http_client_request *request;
	struct http_client_answer *answer;
	CURL *curl;
	struct curl_slist *headers;
	size_t header_bytes;
	bool plain; /* without TLS */
	bool refused; /* by the guard */
	char said[CURL_ERROR_SIZE];
};

static void
start_library(void)
{
	ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

/* Refuses by returning another number than it was given. */
static size_t
take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct exchange *x = context;
	struct buf *body = &x->answer->body;
	buf_append(body, bytes, size * count);
	return body->failed ? 0 : size * count;
}

static void
read_cache_control(struct http_client_answer *answer, struct str value)
{
	static const struct str max_age = {"max-age=", 8};
	while (value.ptr) {
		uint64_t seconds;
		struct str part = str_cut(&value, ',');
		while (part.len > 0 && part.ptr[0] == ' ')
			part = (struct str){part.ptr + 1, part.len - 1};
		while (part.len > 0 && strchr(" \r\n", part.ptr[part.len - 1]))
			part.len--;
		if (str_eq_nocase(part, STR("no-store")) || str_eq_nocase(part, STR("no-cache"))) {
			answer->max_age_s = 0;
			return;
		}
		if (part.len <= max_age.len ||
			!str_eq_nocase((struct str){part.ptr, max_age.len}, max_age))
			continue;
		if (str_to_u64((struct str){part.ptr + max_age.len, part.len - max_age.len},
			    &seconds) &&
			seconds <= INT32_MAX)
			answer->max_age_s = (int64_t)seconds;
	}
}

static size_t
take_header(char *bytes, size_t size, size_t count, void *context)
{
	struct exchange *x = context;
	struct str value = {bytes, size * count};
	x->header_bytes += value.len;
	if (x->header_bytes > HEADERS_MAX)
		return 0;
	/* Whatever an interim answer said is not said by the one that follows it. */
	if (str_starts(value, STR("HTTP/")))
		x->answer->max_age_s = -1;
	struct str name = str_cut(&value, ':');
	if (str_eq_nocase(name, STR("cache-control")))
		read_cache_control(x->answer, value);
	return size * count;
}

static bool
is_allowed(const struct exchange *x, const struct address *address)
{
	const struct http_client_guard *guard = x->request->guard;
	for (size_t i = 0; i < guard->count; i++) {
		if (cidr_contains(&guard->allowed[i], address))
			return true;
	}
	return !x->plain && address_is_public(address);
}

/* Called with the address that a connection is about to be made to, after all names are resolved.
 */
static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct exchange *x = context;
	struct address address;
	if (purpose != CURLSOCKTYPE_IPCXN || !address_of_socket(&to->addr, &address) ||
		!is_allowed(x, &address)) {
		x->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static bool
add_header(struct exchange *x, const char *name, struct str value)
{
	char line[2048];
	int len = snprintf(line, sizeof(line), "%s: %.*s", name, STR_ARG(value));
	if (len < 0 || (size_t)len >= sizeof(line))
		return false;
	/* How the library is told that a header is there and empty, or, as Expect, not there. */
	if (value.len == 0) {
		line[len - 2] = value.ptr ? ';' : ':';
		line[len - 1] = '\0';
	}
	struct curl_slist *longer = curl_slist_append(x->headers, line);
	if (longer)
		x->headers = longer;
	return longer != NULL;
}

static enum status
set_headers(struct exchange *x, struct error *err)
{
	const struct http_client_request *r = x->request;
	for (size_t i = 0; i < r->header_count; i++) {
		struct str value = r->headers[i].value;
		bool sound = value.ptr != NULL;
		for (size_t at = 0; at < value.len; at++)
			sound = sound && (unsigned char)value.ptr[at] >= 0x20 &&
				value.ptr[at] != 0x7f;
		if (!sound || !add_header(x, r->headers[i].name, value))
			return error_set(err, ERR_INVALID, "header-invalid",
				"The value of the header %s cannot be sent.", r->headers[i].name);
	}
	const char *type = r->content_type ? r->content_type : "application/json";
	/* "Expect: 100-continue" would wait for an answer that not every server gives. */
	bool set = add_header(x, "Expect", (struct str){0}) &&
		(!r->body.ptr || add_header(x, "Content-Type", str_from(type))) &&
		curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers) == CURLE_OK;
	return set ? OK : error_no_memory(err);
}

static bool
set_numbers(struct exchange *x)
{
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{CURLOPT_FOLLOWLOCATION, 0},
		{CURLOPT_NOSIGNAL, 1},
		{CURLOPT_TIMEOUT_MS, x->request->timeout_ms},
		{CURLOPT_CONNECTTIMEOUT_MS, x->request->timeout_ms},
		{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
		{CURLOPT_SSL_VERIFYPEER, 1},
		{CURLOPT_SSL_VERIFYHOST, 2},
		{CURLOPT_DISALLOW_USERNAME_IN_URL, x->request->guard != NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (curl_easy_setopt(x->curl, numbers[i].option, numbers[i].value) != CURLE_OK)
			return false;
	}
	return true;
}

static bool
set_callbacks(struct exchange *x)
{
	CURL *curl = x->curl;
	if (x->request->guard &&
		(curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket) != CURLE_OK ||
			curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, x) != CURLE_OK))
		return false;
	return curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_WRITEDATA, x) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_HEADERDATA, x) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, x->said) == CURLE_OK;
}

static bool
set_request(struct exchange *x)
{
	const struct http_client_request *r = x->request;
	if (r->body.ptr &&
		(curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, r->body.ptr) != CURLE_OK ||
			curl_easy_setopt(x->curl, CURLOPT_POSTFIELDSIZE_LARGE,
				(curl_off_t)r->body.len) != CURLE_OK))
		return false;
	if (r->bearer &&
		(curl_easy_setopt(x->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) != CURLE_OK ||
			curl_easy_setopt(x->curl, CURLOPT_XOAUTH2_BEARER, r->bearer) != CURLE_OK))
		return false;
	return curl_easy_setopt(x->curl, CURLOPT_URL, r->url) == CURLE_OK &&
		curl_easy_setopt(x->curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
		curl_easy_setopt(x->curl, CURLOPT_PROXY, "") == CURLE_OK &&
		curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, r->method) == CURLE_OK;
}

static enum status
failed(const struct exchange *x, CURLcode code, struct error *err)
{
	const struct http_client_request *r = x->request;
	long connections = 0;
	curl_easy_getinfo(x->curl, CURLINFO_NUM_CONNECTS, &connections);
	/* Whoever answers in something that is not HTTP speaks an unsupported protocol as well. */
	if (code == CURLE_URL_MALFORMAT || code == CURLE_LOGIN_DENIED ||
		(code == CURLE_UNSUPPORTED_PROTOCOL && connections == 0))
		return error_set(err, ERR_INVALID, "url-invalid",
			"'%s' is not an http or https address that can be asked.", r->url);
	if (code == CURLE_OUT_OF_MEMORY)
		return error_no_memory(err);
	if (code == CURLE_WRITE_ERROR && x->header_bytes > HEADERS_MAX)
		return error_set(err, ERR_TOO_LARGE, "answer-too-large",
			"%s answered with too many headers.", r->url);
	if (code == CURLE_WRITE_ERROR && x->answer->body.failed)
		return error_set(err, ERR_TOO_LARGE, "answer-too-large",
			"%s answered with more than %zu bytes.", r->url, r->answer_max);
	if (x->refused)
		return error_set(err, ERR_FORBIDDEN, "address-refused",
			"%s leads to an address that the server may not ask%s; the operator can "
			"allow it with --outbound-private.",
			r->url, x->plain ? " without TLS" : "");
	return error_set(err, ERR_BUSY, "server-unreachable", "%s cannot be asked: %s.", r->url,
		*x->said ? x->said : curl_easy_strerror(code));
}

static void
read_answer(struct exchange *x)
{
	struct http_client_answer *answer = x->answer;
	const char *type = NULL;
	size_t len = 0;
	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &answer->status);
	curl_easy_getinfo(x->curl, CURLINFO_CONTENT_TYPE, &type);
	for (; type && type[len] && !strchr("; \t", type[len]); len++) {
		if (len + 1 == sizeof(answer->content_type))
			break;
		bool upper = type[len] >= 'A' && type[len] <= 'Z';
		answer->content_type[len] = (char)(upper ? type[len] - 'A' + 'a' : type[len]);
	}
}

static enum status
perform(struct exchange *x, struct error *err)
{
	if (!set_numbers(x) || !set_callbacks(x) || !set_request(x))
		return error_no_memory(err);
	enum status rc = set_headers(x, err);
	if (rc != OK)
		return rc;
	CURLcode code = curl_easy_perform(x->curl);
	if (code != CURLE_OK)
		return failed(x, code, err);
	read_answer(x);
	return OK;
}

enum status
http_client_run(struct http_client_answer *out, const struct http_client_request *request,
	struct error *err)
{
	static pthread_once_t started = PTHREAD_ONCE_INIT;
	*out = (struct http_client_answer){.max_age_s = -1};
	buf_init(&out->body, request->answer_max);
	pthread_once(&started, start_library);
	struct exchange x = {.request = request, .answer = out, .curl = curl_easy_init()};
	/* Whatever is not https in this very spelling counts as being without TLS. */
	x.plain = !str_starts(str_from(request->url), STR("https://"));
	enum status rc = x.curl ? perform(&x, err) : error_no_memory(err);
	curl_slist_free_all(x.headers);
	curl_easy_cleanup(x.curl);
	return rc;
}

void
http_client_answer_clear(struct http_client_answer *answer)
{
	buf_clear(&answer->body);
}

static void
encode(struct buf *out, struct str text)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (letter || (c >= '0' && c <= '9') || (c && strchr("-._~", c))) {
			buf_char(out, (char)c);
		} else {
			char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
			buf_append(out, escaped, sizeof(escaped));
		}
	}
}

void
http_client_add_field(struct buf *out, const char *name, struct str value)
{
	if (out->len > 0 && out->ptr[out->len - 1] != '?')
		buf_char(out, '&');
	encode(out, str_from(name));
	buf_char(out, '=');
	encode(out, value);
}
