// SPDX-License-Identifier: MIT
//
// What is refused of a request's head before anybody else sees it.
//
// A proxy in front and this server must agree where a request ends, so whatever
// two readers could read in two ways is refused: repeated or mixed lengths,
// codings other than chunked, folded lines, bare CR or LF, NUL, space before the
// colon. Library versions before 1.0 let most of that through and hide it: names
// and values are NUL-terminated where they lie in its buffer. So there the check
// is that everything lies end to end with exactly the bytes between that belong
// there; any leniency leaves a gap.
#include "scimd/directory/http_internal.h"
#include <string.h>
#include <strings.h>

#define CHECK_LENGTH_DIGITS 15

struct check {
	const char *expected; // where the next name must lie
	unsigned count, hosts, lengths, codings;
	const char *length, *coding, *expect;
	bool strict; // positions mean something in this version
	bool bad, gap;
};

static bool check_is_token(const char *s, size_t len)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < len; i++) {
		char c = s[i], lower = (char)(c | 0x20);

		if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') &&
		    (!c || !strchr(others, c)))
			return false;
	}
	return len > 0;
}

static bool check_is_text(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
			return false;
	return true;
}

static enum MHD_Result check_header(void *arg, enum MHD_ValueKind kind, const char *name,
				    size_t name_len, const char *value, size_t value_len)
{
	struct check *c = arg;

	(void)kind;
	if (!value)
		value = "", value_len = 0;
	c->bad |= !check_is_token(name, name_len) || !check_is_text(value, value_len);
	c->gap |= c->strict && name != c->expected;
	c->expected = value + value_len + 2;
	c->count++;
	if (!strcasecmp(name, "Host")) {
		c->hosts++;
	} else if (!strcasecmp(name, "Content-Length")) {
		c->lengths++;
		c->length = value;
	} else if (!strcasecmp(name, "Transfer-Encoding")) {
		c->codings++;
		c->coding = value;
	} else if (!strcasecmp(name, "Expect")) {
		c->expect = value;
	}
	return MHD_YES;
}

// The request line, laid out as METHOD NUL URI NUL VERSION NUL NUL.
static bool check_line(const struct http_request *r, const char *version)
{
	return r->uri_at == r->method + strlen(r->method) + 1 &&
	       version == r->uri_at + r->uri_len + 1;
}

static int check_framing(struct http_request *r, const struct check *c, bool old,
			 const char **why_out)
{
	if (c->codings > 0 && (c->lengths > 0 || c->codings > 1 || old || !*c->coding)) {
		*why_out = "Transfer-Encoding is repeated, empty, beside a Content-Length or in "
			   "HTTP/1.0";
		return 400;
	}
	if (c->codings > 0 && strcasecmp(c->coding, "chunked")) {
		*why_out = "the only transfer coding understood is chunked";
		return 400;
	}
	if (c->lengths > 1) {
		*why_out = "Content-Length is repeated";
		return 400;
	}
	if (c->lengths > 0) {
		size_t len = strlen(c->length);

		if (len == 0 || strspn(c->length, "0123456789") != len) {
			*why_out = "Content-Length is not a number";
			return 400;
		}
		r->body_size = 0;
		for (size_t i = 0; i < len && i < CHECK_LENGTH_DIGITS; i++)
			r->body_size = r->body_size * 10 + (uint64_t)(c->length[i] - '0');
		if (len > CHECK_LENGTH_DIGITS) // whether it is too long is said after who asks
			r->body_size = UINT64_MAX;
	}
	return 0;
}

static bool check_ends_right(const struct http_request *r, const struct check *c)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(r->conn->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return i && c->expected + 2 == r->method + i->header_size;
}

int check_head(struct http_request *r, const char *version, const char **why_out)
{
	struct check c = { .strict = MHD_VERSION < 0x01000000 };
	bool old = !strcmp(version, "HTTP/1.0");

	c.expected = version + strlen(version) + 2;
	if (!old && strcmp(version, "HTTP/1.1")) {
		*why_out = "only HTTP/1.0 and HTTP/1.1 are spoken";
		return 505;
	}
	MHD_get_connection_values_n(r->conn->mhd, MHD_HEADER_KIND, check_header, &c);
	if (c.strict && (c.gap || !check_line(r, version) || !check_ends_right(r, &c)))
		c.bad = true;
	*why_out = "the request's head is malformed";
	if (c.bad || !check_is_token(r->method, strlen(r->method)))
		return 400;
	if (c.hosts > 1 || (c.hosts == 0 && !old)) {
		*why_out = "exactly one Host is needed";
		return 400;
	}
	if (c.count > HTTP_HEADERS_MAX) {
		*why_out = "too many headers";
		return 431;
	}
	if (c.expect && strcasecmp(c.expect, "100-continue")) {
		*why_out = "the only expectation understood is 100-continue";
		return 417;
	}
	return check_framing(r, &c, old, why_out);
}

static enum MHD_Result check_any(void *arg, enum MHD_ValueKind kind, const char *name,
				 size_t name_len, const char *value, size_t value_len)
{
	(void)kind, (void)name, (void)name_len, (void)value, (void)value_len;
	*(bool *)arg = true;
	return MHD_NO;
}

int check_trailer(struct http_request *r)
{
	bool any = false;

	// Nobody here has use for one, and old versions of the library read them leniently.
	MHD_get_connection_values_n(r->conn->mhd, MHD_FOOTER_KIND, check_any, &any);
	return any ? 400 : 0;
}
