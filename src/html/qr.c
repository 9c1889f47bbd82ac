#include "html/qr.h"

#include <qrencode.h>
#include <stdio.h>
#include <string.h>

#define QUIET 4 /* modules of nothing on each side, so that it is found */
#define DARK 1

static bool
is_dark(const QRcode *code, int x, int y)
{
	return x < code->width && (code->data[y * code->width + x] & DARK);
}

/* Each run of a row as one rectangle. */
static void
draw_row(struct buf *path, const QRcode *code, int y)
{
	for (int x = 0; x < code->width; x++) {
		int start = x;
		while (is_dark(code, x, y))
			x++;
		if (x > start)
			buf_printf(path, "M%d %dh%dv1h-%dz", start, y, x - start, x - start);
	}
}

enum status
qr_draw(struct qr *out, struct str text, struct error *err)
{
	*out = (struct qr){0};
	buf_init(&out->path, QR_PATH_MAX);
	if (text.len > QR_TEXT_MAX)
		return error_set(err, ERR_TOO_LARGE, "qr-too-long",
			"A QR code holds at most %d bytes.", QR_TEXT_MAX);
	QRcode *code =
		QRcode_encodeData((int)text.len, (const unsigned char *)text.ptr, 0, QR_ECLEVEL_M);
	if (!code)
		return error_no_memory(err);
	for (int y = 0; y < code->width; y++)
		draw_row(&out->path, code, y);
	snprintf(out->box, sizeof(out->box), "%d %d %d %d", -QUIET, -QUIET, code->width + 2 * QUIET,
		code->width + 2 * QUIET);
	QRcode_free(code);
	return out->path.failed ? error_no_memory(err) : OK;
}

void
qr_clear(struct qr *qr)
{
	if (qr->path.ptr)
		explicit_bzero(qr->path.ptr, qr->path.cap);
	buf_clear(&qr->path);
}
