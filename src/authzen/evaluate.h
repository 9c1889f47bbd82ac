#ifndef AUTHZEN_EVALUATE_H
#define AUTHZEN_EVALUATE_H

#include "authzen/answer.h"

/* One exchange that asks for decisions. */
struct evaluation {
	struct http_request *http;
	const struct authzen *door;
	struct workspace_id workspace; /* of the path, or nil */
	bool many; /* …/evaluations */
};

/* Answers, or suspends while something is loaded. */
void evaluation_run(const struct evaluation *e);

#endif
