#include "server/server.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>

#include "api/problem.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/health.h"
#include "server/mailer.h"
#include "server/notify.h"
#include "server/worker.h"

/* What a handler takes beside the body and its parsed form: the answer, made and copied. */
#define HANDLER_ARENA ((size_t)4 * API_ANSWER_MAX)

static void
refuse(struct http_request *r)
{
	struct error err = {0};

	(void)error_set(&err, ERR_BUSY, "not-serving",
		"The server has just started or is about to end; try again.");
	http_add_header(r, "Connection", STR("close"));
	problem_respond(r, &err);
}

static void
handle(struct http_request *r, void *context)
{
	struct server *server = context;
	struct str path = http_path(r);
	struct oauth_route route;

	int phase = atomic_load_explicit(&server->phase, memory_order_acquire);
	if (phase != PHASE_SERVING && !http_request_resumed(r))
		refuse(r);
	else if (health_serves(path))
		health_handle(server, r);
	else if (authzen_handles(path))
		authzen_handle(r, &server->authzen);
	else if (oauth_find(&route, path))
		oauth_handle(server->oauth, r, &route);
	else if (pages_handles(path))
		pages_handle(server->pages, r);
	else
		api_handle(server->api, r);
}

static enum status
open_pages(struct server *server, struct error *err)
{
	enum status rc =
		people_open(&server->people, server->installation.store, server->config, err);
	const struct pages_options options = {
		.store = server->installation.store,
		.signin = &server->signin,
		.pool = server->people.pool,
		.throttle = server->people.throttle,
		.links = server->people.links,
		.upstream = server->people.upstream,
		.lives = people_session_lives(server->config),
	};
	return rc == OK ? pages_new(&server->pages, &options, err) : rc;
}

static enum status
open_doors(struct server *server, struct error *err)
{
	const struct api_options options = {
		.store = server->installation.store,
		.signin = &server->signin,
		.config = server->config,
	};

	enum status rc = api_new(&server->api, &options, err);
	const struct oauth_options authorization = {
		.store = server->installation.store,
		.signin = &server->signin,
		.guard = {server->config->outbound_blocks, server->config->outbound_count},
	};
	if (rc == OK)
		rc = oauth_new(&server->oauth, &authorization, err);
	return rc == OK ? open_pages(server, err) : rc;
}

static enum status
listen_http(struct server *server, struct error *err)
{
	const struct config *config = server->config;
	const struct http_options options = {
		.address = config->address,
		.port = (uint16_t)config->port,
		.threads = (unsigned)config->threads,
		.connections_max = (unsigned)config->connections_max,
		.suspended_max = (unsigned)config->suspended_max,
		.idle_timeout_s = (unsigned)config->idle_timeout_s,
		.body_max = (size_t)config->body_max_bytes,
		.arena_max = 3 * (size_t)config->body_max_bytes + HANDLER_ARENA,
		.proxies = {config->proxy_blocks, config->proxy_count},
		.handler = handle,
		.context = server,
	};
	struct http_server *http;

	enum status rc = http_server_start(&http, &options, err);
	atomic_store(&server->http, http);
	if (rc == OK)
		rc = config_set_port(server->config, http_server_port(http), err);
	return rc;
}

/* The last of the doors: it tells its callers where it is. */
static void
begin_serving(struct server *server)
{
	server->signin = (struct signin){
		.directory = server->installation.directory,
		.keyring = server->installation.keyring,
		.base_url = str_from(server->config->base_url),
		.uses = server->people.uses,
	};
	server->authzen = (struct authzen){
		.signin = server->signin,
		.max_stale_us = server->config->max_stale_s * US_PER_S,
	};
	atomic_store_explicit(&server->phase, PHASE_SERVING, memory_order_release);
}

/* Only of a server that is one: what cannot listen changes nothing in the store. */
static enum status
start_background(struct server *server, struct error *err)
{
	enum status rc = worker_start(&server->worker, server, err);

	return rc == OK ? mailer_start(&server->mailer, server, err) : rc;
}

static enum status
start(struct server *server, struct error *err)
{
	server->started_us = clock_now_us();
	enum status rc = installation_open(&server->installation, server->config, err);
	if (rc == OK)
		rc = open_doors(server, err);
	if (rc == OK)
		rc = listen_http(server, err);
	if (rc != OK)
		return rc;
	begin_serving(server);
	rc = start_background(server, err);
	if (rc != OK)
		return rc;
	const struct backchannel_options backchannel = {
		.store = server->installation.store,
		.signin = &server->signin,
		.guard = {server->config->outbound_blocks, server->config->outbound_count},
	};
	return backchannel_start(&server->backchannel, &backchannel, err);
}

static void
announce(const struct config *config)
{
	const char *store = config->database ? config->database : config->store;
	log_event(LOG_INFO, "listening", LOG_Z("address", config->address),
		LOG_I("port", config->port), LOG_Z("url", config->base_url), LOG_Z("store", store),
		LOG_I("threads", config->threads));
	printf("thingward: listening on %s (store %s)\n", config->base_url, store);
	if (!config->smtp_url) {
		log_event(LOG_INFO, "mail-goes-into-folder", LOG_Z("folder", config->outbox));
		printf("thingward: no smtp-url is set: mail goes into %s\n", config->outbox);
	}
	fflush(stdout);
}

/* Waits until nothing that was begun waits for the store. False when it takes too long. */
static bool
drain(struct http_server *http)
{
	int64_t until_us = clock_mono_us() + SERVER_STOP_MS * INT64_C(1000);

	while (http_server_stats(http).suspended > 0) {
		if (clock_mono_us() > until_us)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
	}
	return true;
}

/* False when requests still wait for the store: it may yet call back into what would be freed. */
static bool
stop_http(struct server *server)
{
	struct http_server *http = atomic_load(&server->http);

	atomic_store(&server->phase, PHASE_ENDING);
	if (!http)
		return true;
	http_server_quiesce(http);
	upstream_end(server->people.upstream);
	if (!drain(http)) {
		log_event(LOG_WARN, "stopped-late", LOG_I("waited_ms", SERVER_STOP_MS));
		return false;
	}
	/* The worker may look at its figures until it ends, which it does before they go. */
	worker_stop(&server->worker);
	backchannel_stop(&server->backchannel);
	http_server_stop(&http, SERVER_STOP_MS);
	atomic_store(&server->http, NULL);
	return true;
}

static void
stop(struct server *server)
{
	if (!stop_http(server))
		return;
	worker_stop(&server->worker);
	backchannel_stop(&server->backchannel);
	mailer_stop(&server->mailer);
	installation_close(&server->installation);
	people_close(&server->people);
	pages_free(&server->pages);
	oauth_free(&server->oauth);
	api_free(&server->api);
}

/* Every thread made from here on inherits that these are blocked; this one waits for them. */
static void
block_signals(sigset_t *ending)
{
	ASSERT(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	/* A file that may not grow is a full disk, and no reason to end. */
	ASSERT(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	sigemptyset(ending);
	sigaddset(ending, SIGTERM);
	sigaddset(ending, SIGINT);
	sigaddset(ending, SIGHUP);
	ASSERT(sigprocmask(SIG_BLOCK, ending, NULL) == 0);
}

/* Nobody else may read what this process writes, nor its memory. A sanitizer looks for leaks by
 * tracing the process, so there it stays readable. */
static void
withdraw(void)
{
	umask(077);
#ifndef __SANITIZE_ADDRESS__
	ASSERT(prctl(PR_SET_DUMPABLE, 0) == 0);
#endif
}

enum status
server_run(struct config *config, struct error *err)
{
	/* It outlives this function when something still runs at the end. */
	static struct server server;
	sigset_t ending;
	int number = 0;

	log_set_level((enum log_level)config->log_level);
	block_signals(&ending);
	withdraw();
	server.config = config;
	enum status rc = start(&server, err);
	if (rc == OK) {
		announce(config);
		notify_manager("READY=1");
		while (sigwait(&ending, &number) != 0)
			;
		notify_manager("STOPPING=1");
		log_event(LOG_INFO, "stopping", LOG_I("signal", number));
	}
	stop(&server);
	if (rc == OK)
		log_event(LOG_INFO, "stopped");
	return rc;
}
