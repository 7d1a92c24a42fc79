/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define VALID_DAYS 30

static int add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	int ok;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	if (!extension)
		return 0;
	ok = X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return ok;
}

/* A certificate without extensions and signature. Its serial number is random: clients that met an
 * earlier authority of the same name must not take one for the other. */
static X509 *new_certificate(EVP_PKEY *key, const char *name, const X509_NAME *issuer)
{
	X509 *certificate = X509_new();
	X509_NAME *subject;
	uint64_t serial;

	if (!certificate)
		return NULL;
	subject = X509_get_subject_name(certificate);
	if (RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
		X509_set_version(certificate, X509_VERSION_3) &&
		ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial | 1) &&
		X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) &&
		X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_DAYS * 86400L) &&
		X509_NAME_add_entry_by_txt(
			subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) &&
		X509_set_issuer_name(certificate, issuer ? issuer : subject) &&
		X509_set_pubkey(certificate, key))
		return certificate;
	X509_free(certificate);
	return NULL;
}

static X509 *make_authority(EVP_PKEY *key)
{
	X509 *authority = new_certificate(key, "lambda-local throw-away CA", NULL);

	if (authority &&
		add_extension(authority, authority, NID_basic_constraints, "critical,CA:TRUE") &&
		add_extension(
			authority, authority, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		add_extension(authority, authority, NID_subject_key_identifier, "hash") &&
		X509_sign(authority, key, EVP_sha256()))
		return authority;
	X509_free(authority);
	return NULL;
}

/* Names that the certificate is good for. The host was checked to be free of commas. */
static void alt_names(char *names, size_t capacity, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];
	bool is_address =
		inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;

	snprintf(names, capacity, "DNS:localhost,IP:127.0.0.1,IP:::1,%s:%s",
		is_address ? "IP" : "DNS", host);
}

static X509 *make_leaf(EVP_PKEY *key, const char *host, X509 *authority, EVP_PKEY *authority_key)
{
	X509 *leaf = new_certificate(key, "lambda-local", X509_get_subject_name(authority));
	char names[384];

	alt_names(names, sizeof(names), host);
	if (leaf && add_extension(leaf, authority, NID_basic_constraints, "critical,CA:FALSE") &&
		add_extension(leaf, authority, NID_key_usage, "critical,digitalSignature") &&
		add_extension(leaf, authority, NID_ext_key_usage, "serverAuth") &&
		add_extension(leaf, authority, NID_subject_key_identifier, "hash") &&
		add_extension(leaf, authority, NID_authority_key_identifier, "keyid") &&
		add_extension(leaf, authority, NID_subject_alt_name, names) &&
		X509_sign(leaf, authority_key, EVP_sha256()))
		return leaf;
	X509_free(leaf);
	return NULL;
}

/* h2 or nothing: the Invoke API is served over HTTP/2 only. */
static int select_h2(SSL *ssl, const unsigned char **out, unsigned char *out_size,
	const unsigned char *in, unsigned in_size, void *context)
{
	static const unsigned char h2[] = { 2, 'h', '2' };

	(void)ssl;
	(void)context;
	if (SSL_select_next_proto((unsigned char **)out, out_size, h2, sizeof(h2), in, in_size) !=
		OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *make_context(X509 *leaf, EVP_PKEY *key)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (!context)
		return NULL;
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) &&
		SSL_CTX_use_certificate(context, leaf) && SSL_CTX_use_PrivateKey(context, key)) {
		SSL_CTX_set_mode(context,
			SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
		/* One read fetches many records. */
		SSL_CTX_set_read_ahead(context, 1);
		SSL_CTX_set_default_read_buffer_len(context, 128 << 10);
		SSL_CTX_set_alpn_select_cb(context, select_h2, NULL);
		return context;
	}
	SSL_CTX_free(context);
	return NULL;
}

static int write_pem(const char *path, X509 *certificate, struct sw_error *error)
{
	FILE *file = fopen(path, "we");
	int ret = 0;

	if (!file)
		return sw_error_set(error, -errno, "--ca-out: %s: %s", path, strerror(errno));
	if (!PEM_write_X509(file, certificate) || fflush(file) != 0)
		ret = sw_error_set(error, -EIO, "--ca-out: %s: cannot write: %s", path,
			strerror(errno ? errno : EIO));
	fclose(file);
	return ret;
}

int ll_tls_create(SSL_CTX **context, const char *host, const char *ca_out, struct sw_error *error)
{
	EVP_PKEY *authority_key = NULL, *key = NULL;
	X509 *authority = NULL, *leaf = NULL;
	int ret = -EIO;

	*context = NULL;
	if (strpbrk(host, ",\n"))
		return sw_error_set(error, -EINVAL, "--listen: %s: not a host's name", host);
	authority_key = EVP_EC_gen("P-256");
	key = EVP_EC_gen("P-256");
	if (authority_key && key)
		authority = make_authority(authority_key);
	if (authority)
		leaf = make_leaf(key, host, authority, authority_key);
	if (leaf)
		*context = make_context(leaf, key);
	if (*context) {
		ret = ca_out ? write_pem(ca_out, authority, error) : 0;
	} else {
		char text[160];

		ERR_error_string_n(ERR_get_error(), text, sizeof(text));
		sw_error_set(error, ret, "certificate: %s: %s", host, text);
	}
	if (ret) {
		SSL_CTX_free(*context);
		*context = NULL;
	}
	X509_free(leaf);
	X509_free(authority);
	EVP_PKEY_free(key);
	EVP_PKEY_free(authority_key);
	return ret;
}
