#include "server/health.h"

#include <sys/stat.h>

#include "api/problem.h"
#include "base/clock.h"
#include "directory/rows.h"

#define METRICS_MAX ((size_t)16 * 1024)

bool
health_serves(struct str path)
{
	return str_eq(path, STR("/healthz")) || str_eq(path, STR("/readyz")) ||
		str_eq(path, STR("/metrics"));
}

static void
respond_text(struct http_request *r, const char *type, struct str text)
{
	http_add_header(r, "Cache-Control", STR("no-store"));
	http_respond(r, 200, type, text);
}

/* In the arena of the request. */
struct readiness {
	struct store_job job; /* first */
	struct http_request *http;
	enum status status;
	struct error error;
};

static enum status
ready_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct org_heads heads;

	(void)job;
	return rows_org_heads(&heads, tx, PLATFORM, err);
}

static void
ready_done(struct store_job *job, enum status status, const struct error *err)
{
	struct readiness *ready = (struct readiness *)(void *)job;

	ready->status = status;
	if (status != OK)
		ready->error = *err;
	http_resume(ready->http);
}

static void
ready_respond(struct readiness *ready, struct http_request *r)
{
	if (ready->status == OK)
		respond_text(r, "text/plain", STR("ready\n"));
	else
		problem_respond(r, &ready->error);
}

static void
ready_ask(struct server *server, struct http_request *r)
{
	struct error err = {0};
	struct readiness *ready = arena_new_one(http_arena(r), struct readiness);

	if (!ready)
		(void)error_no_memory(&err);
	else if (!http_suspend(r))
		(void)error_set(&err, ERR_BUSY, "overloaded", "Too many requests wait; try again.");
	if (err.status != OK) {
		problem_respond(r, &err);
		return;
	}
	*ready = (struct readiness){.job = {.run = ready_run, .done = ready_done}, .http = r};
	http_set_state(r, ready);
	enum status rc = store_read(server->installation.store, &ready->job, &err);
	if (rc != OK)
		ready_done(&ready->job, rc, &err);
}

struct metric {
	const char *name, *type, *help;
	uint64_t value;
};

static void
put_metrics(struct buf *out, const struct metric *metrics, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct metric *m = &metrics[i];
		buf_printf(out,
			"# HELP thingward_%s %s\n# TYPE thingward_%s %s\nthingward_%s %llu\n",
			m->name, m->help, m->name, m->type, m->name, (unsigned long long)m->value);
	}
}

static uint64_t
file_bytes(const char *path, const char *suffix)
{
	char name[4096 + 8];
	struct buf text;
	struct stat st;

	buf_init_fixed(&text, name, sizeof(name));
	buf_str(&text, str_from(path));
	buf_str(&text, str_from(suffix));
	buf_char(&text, '\0');
	return !text.failed && stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void
put_http(struct buf *out, struct server *server)
{
	struct http_server *http = atomic_load(&server->http);
	const struct http_stats s = http ? http_server_stats(http) : (struct http_stats){0};
	const struct metric metrics[] = {
		{"http_connections", "gauge", "Connections that are open.", s.connections},
		{"http_requests_suspended", "gauge", "Requests that wait for the store.",
			s.suspended},
		{"http_requests_total", "counter", "Requests begun.", s.requests},
		{"http_requests_refused_total", "counter", "Requests refused before any work.",
			s.refused_early},
	};

	put_metrics(out, metrics, ARRAY_LEN(metrics));
}

static void
put_views(struct buf *out, struct server *server)
{
	const struct directory_stats s = directory_stats(server->installation.directory);
	const struct metric metrics[] = {
		{"views", "gauge", "Views in memory.", s.views},
		{"view_bytes", "gauge", "Bytes that views take.", s.bytes},
		{"view_hits_total", "counter", "Look-ups that found a view.", s.hits},
		{"view_misses_total", "counter", "Look-ups that had to load.", s.misses},
		{"view_loads_total", "counter", "Loads of views.", s.loads},
		{"view_drops_total", "counter", "Views dropped by changes.", s.drops},
		{"view_evictions_total", "counter", "Views dropped for want of memory.",
			s.evictions},
		{"view_stale_loads_total", "counter", "Loads that a change overtook.",
			s.stale_loads},
	};

	put_metrics(out, metrics, ARRAY_LEN(metrics));
}

static void
put_replicas(struct buf *out, struct server *server)
{
	const struct store_stats s = store_stats(server->installation.store);
	const struct metric metrics[] = {
		{"replica_reads_total", "counter", "Loads that a replica answered.",
			s.replica_reads},
		{"replica_refusals_total", "counter",
			"Loads for which a replica was away or too far behind.",
			s.replica_refusals},
	};

	if (server->config->database_replicas)
		put_metrics(out, metrics, ARRAY_LEN(metrics));
}

static void
metrics_respond(struct server *server, struct http_request *r)
{
	char *space = arena_alloc(http_arena(r), METRICS_MAX);
	struct error err = {0};
	struct buf out;

	if (!space) {
		(void)error_no_memory(&err);
		problem_respond(r, &err);
		return;
	}
	const char *store = server->config->store;
	const struct metric metrics[] = {
		{"start_time_seconds", "gauge", "When the server started, in Unix time.",
			(uint64_t)(server->started_us / US_PER_S)},
		{"store_bytes", "gauge", "Bytes of the store's file.", file_bytes(store, "")},
		{"store_log_bytes", "gauge", "Bytes of the store's write-ahead log.",
			file_bytes(store, "-wal")},
	};
	buf_init_fixed(&out, space, METRICS_MAX);
	buf_str(&out,
		STR("# HELP thingward_info The version that runs.\n# TYPE thingward_info gauge\n"
		    "thingward_info{version=\"" THINGWARD_VERSION "\"} 1\n"));
	/* A database tells of itself. */
	put_metrics(&out, metrics, server->config->database ? 1 : ARRAY_LEN(metrics));
	put_http(&out, server);
	put_views(&out, server);
	put_replicas(&out, server);
	ASSERT(!out.failed);
	respond_text(r, "text/plain; version=0.0.4; charset=utf-8", buf_view(&out));
}

void
health_handle(struct server *server, struct http_request *r)
{
	struct str path = http_path(r);

	if (http_method(r) != HTTP_GET && http_method(r) != HTTP_HEAD) {
		http_add_header(r, "Allow", STR("GET, HEAD"));
		problem_respond_as(r, 405, "method-not-allowed", "This can only be read.");
	} else if (str_eq(path, STR("/healthz"))) {
		respond_text(r, "text/plain", STR("ok\n"));
	} else if (str_eq(path, STR("/metrics"))) {
		metrics_respond(server, r);
	} else if (http_state(r)) {
		ready_respond(http_state(r), r);
	} else {
		ready_ask(server, r);
	}
}
