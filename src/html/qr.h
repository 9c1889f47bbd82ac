#ifndef HTML_QR_H
#define HTML_QR_H

#include "base/buf.h"
#include "base/error.h"

/*
 * A text as a QR code (ISO/IEC 18004), to be drawn by SVG: the path of its dark modules, and the
 * viewBox with the quiet zone around them. Texts of up to QR_TEXT_MAX bytes; secret when the text
 * is. ERR_TOO_LARGE "qr-too-long"; ERR_NO_MEMORY. Threads: any.
 */
#define QR_TEXT_MAX 1024
#define QR_PATH_MAX ((size_t)128 * 1024)
#define QR_BOX_MAX 32
struct qr {
	struct buf path;
	char box[QR_BOX_MAX];
};
enum status qr_draw(struct qr *out, struct str text, struct error *err) MUST_USE;
void qr_clear(struct qr *qr); /* also of one that failed, and twice */

#endif
