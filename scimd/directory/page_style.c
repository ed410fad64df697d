// SPDX-License-Identifier: MIT
//
// How the page looks: light or dark as the reader's system is, on a phone a table's
// rows become blocks. Nothing is said by style alone.
#include "scimd/base/buf.h"
#include "scimd/base/digest.h"
#include "scimd/directory/page_internal.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static const char page_style[] =
	":root{color-scheme:light dark;--ink:#1b2733;--soft:#5b6b7a;--paper:#f6f7f9;--card:#fff;"
	"--line:#dfe4ea;--good:#17693a;--bad:#a8201a;--warn:#8a5300;--link:#0b5cad}"
	"@media(prefers-color-scheme:dark){:root{--ink:#e4e9ee;--soft:#9aa8b5;--paper:#12171c;"
	"--card:#1a2128;--line:#2c3640;--good:#6fcf97;--bad:#ff8a80;--warn:#f2b65a;--link:#7db7f0}}"
	"*{box-sizing:border-box}"
	"body{margin:0;background:var(--paper);color:var(--ink);"
	"font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"DejaVu Sans\",sans-serif}"
	"header,main,footer{max-width:72rem;margin:0 auto;padding:0 1.25rem}"
	"header{padding-top:1.75rem}"
	"h1{font-size:1.5rem;line-height:1.2;margin:0 0 .25rem}"
	"h2{font-size:1.1rem;margin:2rem 0 .5rem}"
	"h3{font-size:1rem;margin:1.25rem 0 .4rem}"
	"p{margin:.25rem 0 .6rem}"
	"a{color:var(--link)}"
	"nav a{margin-right:.75rem}"
	"p,footer{color:var(--soft)}"
	"code{font:.92em ui-monospace,\"DejaVu Sans Mono\",Consolas,monospace;"
	"overflow-wrap:anywhere}"
	"table{width:100%;border-collapse:collapse;background:var(--card);"
	"border:1px solid var(--line);border-radius:.5rem;overflow:hidden}"
	"th,td{padding:.45rem .75rem;text-align:left;vertical-align:top;"
	"overflow-wrap:anywhere}"
	"thead th{font-weight:600;font-size:.82rem;color:var(--soft);"
	"border-bottom:1px solid var(--line)}"
	"tbody tr+tr>*{border-top:1px solid var(--line)}"
	"tbody th{font-weight:600}"
	"td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
	"time{font-variant-numeric:tabular-nums;white-space:nowrap}"
	".counts td{font-size:1.5rem;line-height:1.3;font-weight:600;padding-top:.2rem}"
	".good{color:var(--good)}.bad{color:var(--bad);font-weight:600}.warn{color:var(--warn)}"
	"footer{padding-top:1.25rem;padding-bottom:2.5rem;font-size:.87rem}"
	"@media(max-width:46rem){header,main,footer{padding-left:.9rem;padding-right:.9rem}"
	"table,tbody,tr,td,tbody th{display:block}"
	"thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}"
	"tr{padding:.4rem .75rem}"
	"tbody tr+tr{border-top:1px solid var(--line)}"
	"tbody tr+tr>*{border-top:0}"
	"td,tbody th{padding:.12rem "
	"0;display:flex;gap:.75rem;justify-content:space-between;text-align:right}"
	"td::before,tbody th::before{content:attr(data-l);color:var(--soft);font-weight:400;"
	"font-size:.87rem;flex:0 0 auto}"
	".counts td{font-size:1.05rem}}";

void page_put_style(struct buf *b)
{
	(void)buf_str(b, "<style>");
	(void)buf_str(b, page_style);
	(void)buf_str(b, "</style>");
}

int page_policy(char out[PAGE_POLICY])
{
	unsigned char d[DIGEST_LEN], text[DIGEST_LEN * 2];
	int r = digest(d, page_style, sizeof(page_style) - 1);

	if (r < 0)
		return r;
	(void)EVP_EncodeBlock(text, d, DIGEST_LEN);
	r = snprintf(out, PAGE_POLICY,
		     "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; "
		     "form-action 'none'; frame-ancestors 'none'",
		     (const char *)text);
	return r < PAGE_POLICY ? 0 : -ENOBUFS;
}
