/* The limit that P1 is measured against: an empty POST handler on the server's own HTTP set-up.
 * Prints its port and serves until its standard input ends. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "http/server.h"

static void
answer(struct http_request *r, void *context)
{
	/* As long as FACTS' and a decision's answer. */
	static const char body[] =
		"{\"decision\":true,\"context\":{\"padding\":\""
		"0123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789"
		"012345678901234567\"}}";
	(void)context;
	if (http_method(r) == HTTP_POST)
		http_respond(r, 200, "application/json", STR(body));
	else
		http_respond(r, 405, NULL, STR(""));
}

int
main(int argc, char **argv)
{
	struct error err = {0};
	struct http_server *server = NULL;
	struct http_options options = {
		.address = "127.0.0.1",
		.threads = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1,
		.connections_max = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 4096,
		.suspended_max = 16,
		.idle_timeout_s = 30,
		.body_max = 65536,
		.arena_max = 262144,
		.handler = answer,
	};
	if (http_server_start(&server, &options, &err) != OK) {
		log_error("start-failed", &err);
		return 1;
	}
	printf("%u\n", (unsigned)http_server_port(server));
	fflush(stdout);
	while (getchar() != EOF)
		;
	http_server_stop(&server, 1000);
	return 0;
}
