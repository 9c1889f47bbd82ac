/*
 * What the doors are measured against: an empty POST handler on the server's own HTTP set-up; with
 * "sign" for its third argument one that signs a token of ours by ES256 besides, with "verify" one
 * that proves such a token. Prints its port and serves until its standard input ends.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "crypto/crypto.h"
#include "http/server.h"
#include "jose/jws.h"

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

/* An access token of client credentials as ours are. */
static const char claims[] =
	"{\"iss\":\"http://127.0.0.1:8080/w/01a200c9-4913-73fc-91a2-9204b486179c\","
	"\"sub\":\"01a200c9-75b1-762e-b04e-04265d866532\","
	"\"aud\":\"01a200c9-4913-73fc-91a2-9204b486179c\",\"exp\":1795313160,"
	"\"iat\":1795312560,\"jti\":\"01a200c9-76cc-73c0-a52a-3738b7774258\","
	"\"client_id\":\"01a200c9-75b1-762e-b04e-04265d866532\","
	"\"scope\":\"ingest:write ingest:read\",\"gen\":0,\"cgen\":0}";
static struct sign_key *sign_key;
static struct verify_key *verify_key;
static char signed_space[JWS_TOKEN_MAX];
static struct str signed_token;

static enum status
sign(struct buf *token, struct error *err)
{
	return jws_sign(token, sign_key, STR("at+jwt"), STR("01a200c9-7871-719b-bf61-86e4b6de9ff2"),
		STR(claims), err);
}

static void
answer_signed(struct http_request *r, void *context)
{
	char space[JWS_TOKEN_MAX], text[JWS_TOKEN_MAX];
	struct error err = {0};
	struct buf token, body;
	(void)context;
	buf_init_fixed(&token, space, sizeof(space));
	buf_init_fixed(&body, text, sizeof(text));
	if (sign(&token, &err) != OK) {
		http_respond(r, 500, NULL, STR(""));
		return;
	}
	buf_str(&body, STR("{\"access_token\":\""));
	buf_str(&body, buf_view(&token));
	buf_str(&body,
		STR("\",\"token_type\":\"Bearer\",\"expires_in\":600,"
		    "\"scope\":\"ingest:write ingest:read\"}"));
	http_add_header(r, "Cache-Control", STR("no-store"));
	http_respond(r, 200, "application/json", buf_view(&body));
}

static void
answer_verified(struct http_request *r, void *context)
{
	struct jws jws;
	struct error err = {0};
	if (jws_parse(&jws, http_arena(r), signed_token, &err) == OK &&
		jws_verify(&jws, verify_key, &err) == OK)
		answer(r, context);
	else
		http_respond(r, 500, NULL, STR(""));
}

static enum status
prepare(struct http_options *options, const char *work, struct error *err)
{
	struct buf token;
	buf_init_fixed(&token, signed_space, sizeof(signed_space));
	enum status rc = crypto_init(err);
	if (rc == OK)
		rc = sign_key_generate(&sign_key, SIGN_ES256, err);
	if (rc == OK)
		rc = verify_key_new(&verify_key, sign_key_public(sign_key), err);
	if (rc == OK)
		rc = sign(&token, err);
	signed_token = buf_view(&token);
	options->handler = strcmp(work, "sign") == 0 ? answer_signed : answer_verified;
	return rc;
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
	if (argc > 3 && prepare(&options, argv[3], &err) != OK) {
		log_error("start-failed", &err);
		return 1;
	}
	if (http_server_start(&server, &options, &err) != OK) {
		log_error("start-failed", &err);
		return 1;
	}
	printf("%u\n", (unsigned)http_server_port(server));
	fflush(stdout);
	while (getchar() != EOF)
		;
	http_server_stop(&server, 1000);
	sign_key_free(&sign_key);
	verify_key_free(&verify_key);
	return 0;
}
