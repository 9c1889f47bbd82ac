/* What is the same for everybody: the contract's text, the catalogue, the presets. */
#include "api/operations.h"
#include "api/route.h"
#include "iam/access/permissions.h"

enum status
api_contract_get(struct operation_call *op, struct error *err)
{
	(void)err;
	op->content_type = "application/yaml";
	buf_str(op->out.out, contract_text);
	return OK;
}

enum status
api_preset_list(struct operation_call *op, struct error *err)
{
	(void)err;
	jw_object(&op->out, NULL);
	presets_write(&op->out, "presets");
	jw_end_object(&op->out);
	return OK;
}

enum status
api_catalogue_get(struct operation_call *op, struct error *err)
{
	(void)err;
	catalogue_write(&op->out);
	return OK;
}
