// SPDX-License-Identifier: MIT
//
// Where the Authorization header comes from: a token file, or OAuth 2 client
// credentials (RFC 6749 §4.4). Secrets live in wiped buffers and never in logs.
#ifndef SCIMD_CLIENT_TOKEN_H
#define SCIMD_CLIENT_TOKEN_H

struct buf;
struct fail;

// `token = NAME`, `client_secret = NAME`: $CREDENTIALS_DIRECTORY/cred_NAME (systemd
// made it, with ACLs of its own), else SCIMD_CREDENTIALS/NAME. `token_file = PATH`,
// `client_secret_file = PATH`: PATH; then name is NULL. Reads the
// secret into out (marked secret; one trailing line end is cut). Refused: a file
// that group or others may read, of another owner than root or the caller, empty,
// larger than 16 KiB, or with bytes that no header can bear.
// What only systemd could hand over is -EACCES, with what to do in f.
int token_read(const char *name, const char *path, struct buf *out, struct fail *f);

#endif
