#include "http/client.h"

#include <curl/curl.h>

/* Refuses by returning another number than it was given. */
static size_t
take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct buf *body = context;

	buf_append(body, bytes, size * count);
	return body->failed ? 0 : size * count;
}

static bool
add_header(struct curl_slist **headers, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*headers, line);

	if (longer)
		*headers = longer;
	return longer != NULL;
}

static bool
set_body(CURL *curl, const struct http_client_request *request, struct curl_slist **headers)
{
	if (!request->body.ptr)
		return true;
	return curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.ptr) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t)request->body.len) == CURLE_OK &&
		add_header(headers, "Content-Type: application/json");
}

static bool
set_bearer(CURL *curl, const struct http_client_request *request)
{
	if (!request->bearer)
		return true;
	return curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, request->bearer) == CURLE_OK;
}

static bool
set_up(CURL *curl, const struct http_client_request *request, struct buf *body)
{
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{CURLOPT_FOLLOWLOCATION, 0},
		{CURLOPT_NOSIGNAL, 1},
		{CURLOPT_TIMEOUT_MS, request->timeout_ms},
		{CURLOPT_CONNECTTIMEOUT_MS, request->timeout_ms},
		{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
		{CURLOPT_SSL_VERIFYPEER, 1},
		{CURLOPT_SSL_VERIFYHOST, 2},
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (curl_easy_setopt(curl, numbers[i].option, numbers[i].value) != CURLE_OK)
			return false;
	}
	return curl_easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
		curl_easy_setopt(curl, CURLOPT_WRITEDATA, body) == CURLE_OK;
}

static enum status
failed(CURLcode code, const struct http_client_request *request, const char *said,
	const struct buf *body, struct error *err)
{
	if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
		return error_set(err, ERR_INVALID, "url-invalid",
			"'%s' is not an http or https address.", request->url);
	if (code == CURLE_WRITE_ERROR && body->failed)
		return error_set(err, ERR_TOO_LARGE, "answer-too-large",
			"%s answered with more than %zu bytes.", request->url, request->answer_max);
	if (code == CURLE_OUT_OF_MEMORY)
		return error_no_memory(err);
	return error_set(err, ERR_BUSY, "server-unreachable", "%s cannot be asked: %s.",
		request->url, *said ? said : curl_easy_strerror(code));
}

static enum status
perform(CURL *curl, struct http_client_answer *out, const struct http_client_request *request,
	struct error *err)
{
	char said[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers = NULL;
	enum status rc = OK;

	/* "Expect: 100-continue" would wait for an answer that this server does not give. */
	if (!set_up(curl, request, &out->body) || !set_bearer(curl, request) ||
		!add_header(&headers, "Expect:") || !set_body(curl, request, &headers) ||
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) != CURLE_OK ||
		curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, said) != CURLE_OK) {
		rc = error_no_memory(err);
	} else {
		CURLcode code = curl_easy_perform(curl);
		if (code != CURLE_OK)
			rc = failed(code, request, said, &out->body, err);
		else
			curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
	}
	curl_slist_free_all(headers);
	return rc;
}

enum status
http_client_run(struct http_client_answer *out, const struct http_client_request *request,
	struct error *err)
{
	*out = (struct http_client_answer){0};
	buf_init(&out->body, request->answer_max);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(err, ERR_INTERNAL, "client-start-failed",
			"The HTTP client could not be started.");
	CURL *curl = curl_easy_init();
	enum status rc = curl ? perform(curl, out, request, err) : error_no_memory(err);
	curl_easy_cleanup(curl);
	curl_global_cleanup();
	return rc;
}

void
http_client_answer_clear(struct http_client_answer *answer)
{
	buf_clear(&answer->body);
}
