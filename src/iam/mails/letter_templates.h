#ifndef IAM_LETTER_TEMPLATES_H
#define IAM_LETTER_TEMPLATES_H

#include "html/html.h"

/* Private to letters.c and its test; built in from src/iam/mails/letters. */
extern const struct html_template *const letter_templates[];
extern const size_t letter_template_count;

#endif
