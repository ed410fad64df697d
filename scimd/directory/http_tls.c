// SPDX-License-Identifier: MIT
//
// Certificates. Each connection gets the credentials that are current when it
// arrives and holds them until it ends, so a reload touches nobody.
#include "scimd/base/fail.h"
#include "scimd/base/file.h"
#include "scimd/directory/http_internal.h"
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>

#define TLS_FILE_MAX (256 * 1024)

struct tls_cert {
	unsigned refs;
	gnutls_certificate_credentials_t cred;
	struct buf cert, key;
};

struct tls_cert *tls_ref(struct tls_cert *t)
{
	if (t)
		t->refs++;
	return t;
}

void tls_unref(struct tls_cert *t)
{
	if (!t || --t->refs)
		return;
	if (t->cred)
		gnutls_certificate_free_credentials(t->cred);
	buf_free(&t->cert);
	buf_free(&t->key);
	free(t);
}

const char *tls_cert_pem(const struct tls_cert *t)
{
	return buf_text(&t->cert);
}

const char *tls_key_pem(const struct tls_cert *t)
{
	return buf_text(&t->key);
}

int tls_load(const char *cert_path, const char *key_path, struct tls_cert **out, struct fail *f)
{
	struct tls_cert *t = calloc(1, sizeof(*t));
	gnutls_datum_t cert, key;
	int r, g;

	if (!t)
		return fail(f, ENOMEM, "out of memory");
	t->refs = 1;
	t->key.secret = true;
	r = file_read(cert_path, TLS_FILE_MAX, &t->cert, f);
	if (r == 0)
		r = file_read(key_path, TLS_FILE_MAX, &t->key, f);
	if (r < 0)
		goto out;
	cert.data = (unsigned char *)t->cert.data;
	cert.size = (unsigned)t->cert.len;
	key.data = (unsigned char *)t->key.data;
	key.size = (unsigned)t->key.len;
	g = gnutls_certificate_allocate_credentials(&t->cred);
	if (g >= 0)
		g = gnutls_certificate_set_x509_key_mem(t->cred, &cert, &key, GNUTLS_X509_FMT_PEM);
	if (g < 0) {
		r = fail(f, EINVAL, "certificate %s with key %s: %s", cert_path, key_path,
			 gnutls_strerror(g));
		goto out;
	}
	*out = t;
	return 0;
out:
	tls_unref(t);
	return r;
}

int tls_use(const struct tls_cert *t, struct MHD_Connection *m)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(m, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (!i || !i->tls_session ||
	    gnutls_credentials_set(i->tls_session, GNUTLS_CRD_CERTIFICATE, t->cred) < 0)
		return -EIO;
	return 0;
}
