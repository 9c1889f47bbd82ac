#include "policy/decide.h"

static const struct {
	const char *code, *condition;
} REASONS[] = {
	[REASON_UNDETERMINED] = {"undetermined", "state"},
	[REASON_GRANTED] = {"granted", ""},
	[REASON_SUBJECT_UNKNOWN] = {"subject-unknown", "state"},
	[REASON_SUBJECT_INACTIVE] = {"subject-inactive", "state"},
	[REASON_SUBJECT_EXPIRED] = {"subject-expired", "state"},
	[REASON_CREDENTIAL_INACTIVE] = {"credential-inactive", "state"},
	[REASON_CREDENTIAL_EXPIRED] = {"credential-expired", "state"},
	[REASON_NODE_INACTIVE] = {"node-inactive", "state"},
	[REASON_RESOURCE_TYPE_UNKNOWN] = {"resource-type-unknown", "state"},
	[REASON_RESOURCE_UNKNOWN] = {"resource-unknown", "state"},
	[REASON_RESOURCE_INACTIVE] = {"resource-inactive", "state"},
	[REASON_RESOURCE_NOT_ENABLED] = {"resource-not-enabled", "state"},
	[REASON_PERMISSION_UNKNOWN] = {"permission-unknown", "grant"},
	[REASON_NO_GRANT] = {"no-grant", "grant"},
	[REASON_GRANT_EXPIRED] = {"grant-expired", "grant"},
	[REASON_CONDITION_NOT_MET] = {"condition-not-met", "grant"},
	[REASON_OUT_OF_REACH] = {"out-of-reach", "reach"},
	[REASON_GUARDRAIL] = {"guardrail", "guardrail"},
	[REASON_CEILING] = {"ceiling", "ceiling"},
	[REASON_CREDENTIAL_LACKS_PERMISSION] = {"credential-lacks-permission", "credential"},
	[REASON_CREDENTIAL_OTHER_NODE] = {"credential-other-node", "credential"},
};

const char *
reason_code(enum reason reason)
{
	return REASONS[reason].code;
}

const char *
reason_condition(enum reason reason)
{
	return REASONS[reason].condition;
}
