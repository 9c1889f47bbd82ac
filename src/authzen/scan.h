#ifndef AUTHZEN_SCAN_H
#define AUTHZEN_SCAN_H

#include "authzen/request.h"
#include "json/reader.h"

/* Reads the parts of a request out of a reader. */
struct scanner {
	struct json_reader *reader;
	struct access_request *out;
};

/* Prepares both: nothing read, no error. */
void scan__init(struct scanner *s, struct str text, struct access_scratch scratch);

/* Consumes one subject, action, resource or context. False on failure: then out->error says why,
 * unless the reader itself failed. */
bool scan__part(struct scanner *s, enum access_part part);

#endif
