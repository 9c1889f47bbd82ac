#include "cli/command.h"
#include "server/server.h"

enum exit_status
command_serve(struct invocation *in)
{
	struct error err = {0};

	if (server_run(&in->config, &err) == OK)
		return EXIT_OK;
	command_failed(in, &err);
	return EXIT_FAILED;
}
