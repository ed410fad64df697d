// SPDX-License-Identifier: MIT
//
// What the files of the configuration share; nobody else includes this.
#ifndef SCIMD_AGENT_CONFIG_INTERNAL_H
#define SCIMD_AGENT_CONFIG_INTERNAL_H

#include "scimd/agent/config.h"
#include "scimd/base/config_file.h"

enum config_type {
	CONFIG_TEXT,
	CONFIG_PATH,   // absolute
	CONFIG_URL,    // as transfer_url_check takes it
	CONFIG_SPAN,   // seconds into a uint32_t
	CONFIG_NUMBER, // into a uint32_t
	CONFIG_WORD,   // one of `words`
	CONFIG_TOKEN,  // a name, never a secret
	CONFIG_FILTER, // a SCIM filter
	CONFIG_ALLOW,  // a SCIM filter, or `all`
	CONFIG_HOME,   // a template
	CONFIG_QUIRKS,
	CONFIG_MESSAGE, // a line of at most max bytes
};

struct config_row {
	const char *section, *name; // section "directory" stands for every [directory/…]
	enum config_type type;
	size_t offset; // in struct config, or struct config_directory
	const char *otherwise;
	uint64_t min, max;
	const char *words;
	const char *help;
};

struct config_loader {
	struct config *c;
	struct config_lines lines;
	struct fail *f;
	bool bad;
};

// config_rows.c
extern const struct config_row config_rows[];
extern const size_t config_row_count;
const struct config_row *config_row(const char *kind, const char *name);
bool config_mapped(const char *name); // a path of the mapping, which has rows of its own
const char *config_like(const char *kind, const char *name); // did you mean

// config_check.c: complains into ld
void config_bad(struct config_loader *ld, const struct config_line *l, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void config_set(struct config_loader *ld, const struct config_row *row, const struct config_line *l,
		void *base);
const struct config_line *config_find(const struct config_loader *ld, const char *section,
				      const char *key);
void config_finish(struct config_loader *ld); // what several lines together make

#endif
