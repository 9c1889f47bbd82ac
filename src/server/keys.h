#ifndef SERVER_KEYS_H
#define SERVER_KEYS_H

#include "server/internal.h"

/* Does what the schedule of signing keys asks for now. On every node: what one has done, is no
 * longer due for the others. On the worker's thread; logs what fails. */
void keys_turn(struct server *server);

#endif
