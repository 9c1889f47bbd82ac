#include "base/uuid.h"
#include "http/internal.h"

/* What is made on demand is kept in the request; callers see it as constant all the same. */
static struct http_request *
lazy(const struct http_request *r)
{
	return (struct http_request *)r;
}

enum http_method
http_method(const struct http_request *r)
{
	return r->method;
}

struct str
http_path(const struct http_request *r)
{
	return r->parts.path;
}

struct str
http_header(const struct http_request *r, const char *name)
{
	const char *value = NULL;
	size_t len = 0;
	if (MHD_lookup_connection_value_n(
		    r->mhd, MHD_HEADER_KIND, name, strlen(name), &value, &len) != MHD_YES)
		return (struct str){0};
	return http__trim((struct str){value ? value : "", len});
}

struct search {
	struct str name, last; /* the value of the last that was found */
	unsigned found;
};

static enum MHD_Result
search_header(void *context, enum MHD_ValueKind kind, const char *name, size_t name_len,
	const char *value, size_t value_len)
{
	struct search *search = context;
	(void)kind;
	if (str_eq_nocase(search->name, (struct str){name, name_len})) {
		search->found++;
		search->last = (struct str){value ? value : "", value_len};
	}
	return MHD_YES;
}

static struct search
search_headers(const struct http_request *r, const char *name)
{
	struct search search = {.name = str_from(name)};
	MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, search_header, &search);
	return search;
}

unsigned
http_header_count(const struct http_request *r, const char *name)
{
	return search_headers(r, name).found;
}

struct str
http_header_once(const struct http_request *r, const char *name)
{
	struct search search = search_headers(r, name);
	return search.found == 1 ? http__trim(search.last) : (struct str){0};
}

bool
http_content_is(const struct http_request *r, const char *type)
{
	struct str rest = http_header(r, "Content-Type");
	return str_eq_nocase(http__trim(str_cut(&rest, ';')), str_from(type));
}

/* Absent when the arena is full. Terminated, as a segment is. */
static struct str
decode_form(const struct http_request *r, struct str raw)
{
	char *out = arena_alloc(r->arena, raw.len + 1);
	return (struct str){out, out ? http__form_decode(out, raw) : 0};
}

struct str
http_query(const struct http_request *r, const char *name, bool *repeated)
{
	struct str wanted = str_from(name), rest = r->parts.query, key, value, found = {0};
	*repeated = false;
	while (http__query_next(&rest, &key, &value)) {
		if (!http__form_equals(key, wanted))
			continue;
		if (found.ptr)
			*repeated = true;
		else
			found = value;
	}
	return found.ptr ? decode_form(r, found) : found;
}

struct str
http_query_at(const struct http_request *r, size_t i, struct str *name)
{
	struct str rest = r->parts.query, key, value;
	*name = (struct str){0};
	while (http__query_next(&rest, &key, &value)) {
		if (i--)
			continue;
		*name = decode_form(r, key);
		return decode_form(r, value);
	}
	return (struct str){0};
}

struct str
http_query_raw(const struct http_request *r)
{
	return r->parts.query;
}

struct str
http_body(const struct http_request *r)
{
	return (struct str){r->body ? r->body : "", r->body_len};
}

struct str
http_request_id(const struct http_request *r)
{
	struct http_request *own = lazy(r);
	if (own->request_id.ptr)
		return own->request_id;
	struct str sent = http_header(r, "X-Request-ID");
	if (http__request_id_ok(sent)) {
		own->request_id = sent;
	} else {
		uuid_format(own->made_id, uuid_new());
		own->request_id = (struct str){own->made_id, UUID_TEXT_LEN};
	}
	return own->request_id;
}

struct arena *
http_arena(struct http_request *r)
{
	return r->arena;
}

const struct error *
http_error(const struct http_request *r, const struct error *err)
{
	static const struct error no_memory = {.status = ERR_NO_MEMORY,
		.code = "out-of-memory",
		.text = "The server is out of memory; try again."};

	return r->arena && arena_starved(r->arena) ? &no_memory : err;
}

void
http_set_state(struct http_request *r, void *state)
{
	r->state = state;
}

void *
http_state(const struct http_request *r)
{
	return r->state;
}

struct str
http_decode_segment(struct http_request *r, struct str segment)
{
	size_t len = 0;
	/* Terminated, for functions of the system that look for the end. */
	char *out = segment.ptr ? arena_alloc(r->arena, segment.len + 1) : NULL;
	if (!out || !http__segment_decode(out, segment, &len))
		return (struct str){0};
	return (struct str){out, len};
}

void
http_add_header(struct http_request *r, const char *name, struct str value)
{
	/* A line break in a value would make other headers of it. */
	if (!http__value_ok(value)) {
		r->refusal = REFUSE_UNANSWERED;
		return;
	}
	struct http__header *header = arena_new_one(r->arena, struct http__header);
	struct str copy = arena_copy(r->arena, value.ptr ? value : STR(""));
	if (!header || !copy.ptr) {
		r->refusal = REFUSE_MEMORY;
		return;
	}
	header->name = name;
	header->value = copy.ptr;
	*r->headers_tail = header;
	r->headers_tail = &header->next;
}

static bool
add_headers(struct http_request *r, struct MHD_Response *response, const char *content_type)
{
	if (content_type && !MHD_add_response_header(response, "Content-Type", content_type))
		return false;
	for (const struct http__header *h = r->headers; h; h = h->next)
		if (!MHD_add_response_header(response, h->name, h->value))
			return false;
	/* Who stops asks its clients to go elsewhere. */
	return !atomic_load_explicit(&r->server->quiesced, memory_order_relaxed) ||
		MHD_add_response_header(response, "Connection", "close");
}

void
http_respond(struct http_request *r, unsigned status, const char *content_type, struct str body)
{
	ASSERT(!r->responded && !r->left);
	struct str copy = STR("");
	if (body.len)
		copy = arena_copy(r->arena, body);
	if (!copy.ptr)
		r->refusal = REFUSE_MEMORY;
	if (r->refusal) {
		http__refuse(r, r->refusal);
		return;
	}
	r->responded = true;
	/* The arena outlives the response: it goes when the last byte has been sent. */
	struct MHD_Response *response =
		MHD_create_response_from_buffer(copy.len, (char *)copy.ptr, MHD_RESPMEM_PERSISTENT);
	bool queued = response && add_headers(r, response, content_type) &&
		MHD_queue_response(r->mhd, status, response) == MHD_YES;
	if (response)
		MHD_destroy_response(response);
	if (!queued)
		http__refuse(r, REFUSE_UNANSWERED);
}
