// SPDX-License-Identifier: MIT
//
// The table of odd.h, for a server with body_max=100000 and total_ms below 8000.
#include "odd.h"

// clang-format off
#define BYTES(s) s, sizeof(s) - 1
#define H "Host: x\r\n"
#define END "\r\n"
#define GET(path, headers) "GET " path " HTTP/1.1\r\n" H headers END
#define POST(headers, body) "POST /echo HTTP/1.1\r\n" H headers END body
#define CHUNKED(body) POST("Transfer-Encoding: chunked\r\n", body)
#define NEXT GET("/echo/smuggled", "")

// A good request: the status, kept open. A refused one: the status, closed.
#define GOOD(name, status, s) { name, BYTES(s), status, 1, true, false, NULL, 0 }
#define BAD(name, status, s) { name, BYTES(s), status, 1, false, false, NULL, 0 }
// Refused with a status or closed.
#define LAX(name, status, s) { name, BYTES(s), status, 1, false, true, NULL, 0 }
#define BIG(name, status, s, fill, times) { name, BYTES(s), status, 1, false, true, fill, times }

const struct odd odd_table[] = {
	GOOD("plain GET", 200, GET("/echo", "")),
	GOOD("HEAD", 200, "HEAD /echo HTTP/1.1\r\n" H END),
	GOOD("unknown path", 404, GET("/other", "")),
	GOOD("unknown method", 200, "FROB /echo HTTP/1.1\r\n" H END),
	GOOD("absolute form", 200, "GET http://x/echo HTTP/1.1\r\n" H END),
	GOOD("empty header value", 200, GET("/echo", "X-One:\r\n")),
	GOOD("tab in a value", 200, GET("/echo", "X-One: a\tb\r\n")),
	GOOD("UTF-8 in a value", 200, GET("/echo", "X-One: \303\244\r\n")),
	GOOD("empty line before the request", 200, "\r\n" GET("/echo", "")),
	GOOD("body by length", 200, POST("Content-Length: 5\r\n", "hello")),
	GOOD("body of no length", 200, POST("Content-Length: 0\r\n", "")),
	GOOD("expectation met", 200, POST("Content-Length: 5\r\nExpect: 100-continue\r\n", "hello")),
	GOOD("refused at the head, body read", 401, "POST /secret HTTP/1.1\r\n" H "Content-Length: 5\r\n" END "hello"),
	{ "two requests at once", BYTES(GET("/echo", "") GET("/echo", "")), 200, 2, true, false, NULL, 0 },
	{ "refused at the head, next request read", BYTES("POST /secret HTTP/1.1\r\n" H "Content-Length: 5\r\n" END "hello" GET("/echo", "")), 200, 2, true, false, NULL, 0 },
	GOOD("HTTP/1.0 keep-alive", 200, "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
	BAD("HTTP/1.0", 200, "GET /echo HTTP/1.0\r\n\r\n"),
	BAD("Connection: close", 200, GET("/echo", "Connection: close\r\n")),
	GOOD("long poll path escaped", 200, GET("/%65cho", "")),
	GOOD("query without value", 200, GET("/echo?a&b=&&=", "")),
	GOOD("HEAD of a stream", 200, "HEAD /stream/100000 HTTP/1.1\r\n" H END),

	BAD("unmet expectation", 417, POST("Content-Length: 5\r\nExpect: coffee\r\n", "hello")),
	BAD("refused at the head, expectation open", 401, "POST /secret HTTP/1.1\r\n" H "Content-Length: 5\r\nExpect: 100-continue\r\n" END),
	BAD("refused at the head, body not sent", 401, "POST /secret HTTP/1.1\r\n" H "Content-Length: 5\r\n" END),
	BAD("refused at the head, body not sent to its end", 401, "POST /secret HTTP/1.1\r\n" H "Content-Length: 60000\r\n" END "hello" NEXT),
	BAD("refused at the head, HEAD with a body not sent", 401, "HEAD /secret HTTP/1.1\r\n" H "Content-Length: 5\r\n" END),
	BAD("refused at the head, long body", 401, "POST /secret HTTP/1.1\r\n" H "Content-Length: 99999\r\n" END),
	BAD("refused at the head, chunked", 401, "POST /secret HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END),
	BAD("length twice, the same", 400, POST("Content-Length: 5\r\nContent-Length: 5\r\n", "hello" NEXT)),
	BAD("length twice, different", 400, POST("Content-Length: 5\r\nContent-Length: 0\r\n", "hello" NEXT)),
	BAD("length as a list", 400, POST("Content-Length: 5, 5\r\n", "hello" NEXT)),
	BAD("length with a sign", 400, POST("Content-Length: +5\r\n", "hello" NEXT)),
	BAD("length negative", 400, POST("Content-Length: -5\r\n", "hello" NEXT)),
	BAD("length in hex", 400, POST("Content-Length: 0x5\r\n", "hello" NEXT)),
	BAD("length empty", 400, POST("Content-Length:\r\n", NEXT)),
	BAD("length beyond 64 bits", 413, POST("Content-Length: 99999999999999999999\r\n", "hello" NEXT)),
	BAD("length of 100 MB", 413, POST("Content-Length: 104857600\r\n", "")),
	BAD("length one over", 413, POST("Content-Length: 100001\r\n", "")),
	BAD("length and coding", 400, POST("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" NEXT)),
	BAD("coding and length", 400, POST("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n" NEXT)),
	BAD("coding twice", 400, POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" NEXT)),
	BAD("coding unknown", 400, POST("Transfer-Encoding: gzip\r\n", "hello" NEXT)),
	BAD("coding identity", 400, POST("Transfer-Encoding: identity\r\n", "hello" NEXT)),
	BAD("coding a list", 400, POST("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n" NEXT)),
	BAD("coding with a vertical tab", 400, POST("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n" NEXT)),
	BAD("coding in HTTP/1.0", 400, "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT),
	BAD("space before the colon", 400, POST("Content-Length : 5\r\n", "hello" NEXT)),
	BAD("tab before the colon", 400, POST("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n" NEXT)),
	LAX("folded line", 400, GET("/echo", "X-One: a\r\n b\r\n") NEXT),
	LAX("folded coding", 400, POST("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n" NEXT)),
	LAX("folded first line", 400, "GET /echo HTTP/1.1\r\n X: y\r\n" H END NEXT),
	LAX("line without a colon", 400, GET("/echo", "nonsense\r\n") NEXT),
	LAX("empty name", 400, GET("/echo", ": x\r\n") NEXT),
	LAX("name not a token", 400, GET("/echo", "X(y): z\r\n") NEXT),
	LAX("NUL in a value", 400, GET("/echo", "X-One: a\0b\r\n") NEXT),
	LAX("NUL in a name", 400, GET("/echo", "X\0One: a\r\n") NEXT),
	LAX("NUL in the path", 400, "GET /ec\0ho HTTP/1.1\r\n" H END NEXT),
	LAX("NUL behind a coding", 400, POST("Transfer-Encoding: chunked\0x\r\n", "0\r\n\r\n" NEXT)),
	LAX("bare CR in a value", 400, GET("/echo", "X-One: a\rContent-Length: 5\r\n") NEXT),
	LAX("bare CR before the line's end", 400, GET("/echo", "X-One: a\r\r\n") NEXT),
	LAX("bare LF behind a header", 400, GET("/echo", "X-One: a\n") NEXT),
	LAX("bare LF hiding a length", 400, GET("/echo", "X-One: a\nContent-Length: 99\r\n") NEXT),
	LAX("bare LF behind the first line", 400, "GET /echo HTTP/1.1\n" H END NEXT),
	LAX("bare LF at the head's end", 400, "GET /echo HTTP/1.1\r\n" H "\n" NEXT),
	LAX("bare LF throughout", 400, "GET /echo HTTP/1.1\nHost: x\n\n" NEXT),
	LAX("control character in a value", 400, GET("/echo", "X-One: a\001b\r\n") NEXT),
	LAX("no Host", 400, "GET /echo HTTP/1.1\r\n" END NEXT),
	BAD("Host twice", 400, GET("/echo", "Host: y\r\n") NEXT),
	LAX("two spaces in the first line", 400, "GET  /echo HTTP/1.1\r\n" H END NEXT),
	LAX("space in the path", 400, "GET /ec ho HTTP/1.1\r\n" H END NEXT),
	LAX("space behind the version", 400, "GET /echo HTTP/1.1 \r\n" H END NEXT),
	LAX("method not a token", 400, "G@T /echo HTTP/1.1\r\n" H END NEXT),
	LAX("HTTP/0.9", 400, "GET /echo\r\n" NEXT),
	LAX("HTTP/1.2", 505, "GET /echo HTTP/1.2\r\n" H END NEXT),
	LAX("HTTP/2.0", 505, "GET /echo HTTP/2.0\r\n" H END NEXT),
	LAX("HTTP/1.10", 400, "GET /echo HTTP/1.10\r\n" H END NEXT),
	LAX("HTTP/2 preface", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	LAX("no HTTP at all", 400, "\026\003\001\002\000\001\000\001\374\003\003\r\n\r\n"),
	BAD("bad escape", 400, GET("/ec%zzho", "") NEXT),
	BAD("half an escape", 400, GET("/echo%4", "") NEXT),
	BAD("escaped NUL", 400, GET("/ec%00ho", "") NEXT),
	BAD("bad escape in the query", 400, GET("/echo?a=%", "") NEXT),
	BAD("escaped NUL in the query", 400, GET("/echo?a=%00", "") NEXT),
	BAD("fragment", 400, GET("/echo#x", "") NEXT),
	BAD("path without a slash", 400, GET("echo", "") NEXT),
	BAD("asterisk", 400, "OPTIONS * HTTP/1.1\r\n" H END NEXT),
	BAD("CONNECT", 400, "CONNECT x:443 HTTP/1.1\r\n" H END NEXT),
	BAD("absolute form without a path", 400, "GET http://x HTTP/1.1\r\n" H END NEXT),
	BAD("raw byte in the path", 400, GET("/\377", "") NEXT),

	BAD("chunks", 200, CHUNKED("5\r\nhello\r\n0\r\n\r\n")),
	BAD("nothing is read behind chunks", 200, CHUNKED("0\r\n\r\n" NEXT)),
	BAD("chunks with a trailer", 400, CHUNKED("0\r\nX-One: a\r\n\r\n" NEXT)),
	LAX("chunk size not hex", 400, CHUNKED("z\r\nhello\r\n0\r\n\r\n" NEXT)),
	LAX("chunk size negative", 400, CHUNKED("-5\r\nhello\r\n0\r\n\r\n" NEXT)),
	LAX("chunk size empty", 400, CHUNKED("\r\nhello\r\n0\r\n\r\n" NEXT)),
	LAX("chunk size beyond 64 bits", 413, CHUNKED("fffffffffffffffff\r\nhello" NEXT)),
	LAX("chunk longer than its size", 400, CHUNKED("2\r\nhello\r\n0\r\n\r\n" NEXT)),

	BIG("long path", 414, GET("/@@", ""), "a", 5000),
	BIG("very long path", 414, GET("/@@", ""), "a", 1000000),
	BIG("long header", 431, GET("/echo", "X-One: @@\r\n"), "a", 100000),
	BIG("many headers", 431, GET("/echo", "@@"), "X: y\r\n", 100000),
	BIG("a few headers too many", 431, GET("/echo", "@@"), "X:\r\n", 65),
	BIG("line without an end", 414, "@@", "a", 1000000),
	BIG("empty lines without an end", 414, "@@GET", "\r\n", 300000),
	BIG("chunks over the limit", 413, CHUNKED("@@0\r\n\r\n"), "3e8\r\n"
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
		"\r\n", 110),
	BIG("ever more chunk extension", 408, CHUNKED("5;@@"), "a", 100000),
	BAD("broken stream", 200, GET("/break", "")),
};
const size_t odd_count = sizeof(odd_table) / sizeof(odd_table[0]);
