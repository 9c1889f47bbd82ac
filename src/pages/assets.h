#ifndef PAGES_ASSETS_H
#define PAGES_ASSETS_H

#include "base/str.h"

/* The files of src/pages/assets, built in by tools/assets.py. */
struct page_asset {
	struct str path; /* "/assets/pages.css" */
	const char *content_type;
	struct str etag; /* in its quotes; another content has another one */
	struct str bytes;
};

extern const struct page_asset page_assets[];
extern const size_t page_asset_count;

#endif
