/* SPDX-License-Identifier: MIT */
/* Where functions connect to, and the key and certificate of this run that they know us by. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "burst/dialback_private.h"

enum {
	VALID_DAYS = 30,
	BACKLOG = 128,
	READ_AHEAD_BYTES = 32 << 10, /* of each connection: one read fetches two records */
};

struct place {
	char host[256], port[6];
	bool brackets;
};

/* HOST:PORT, [HOST]:PORT */
static int parse_place(
	const char *option, const char *text, struct place *place, struct sw_error *error)
{
	const char *colon = strrchr(text, ':'), *host = text, *end = colon;
	char *after = NULL;
	unsigned long port = 0;

	if (colon && text[0] == '[' && colon > text + 1 && colon[-1] == ']') {
		host++;
		end--;
		place->brackets = true;
	}
	if (colon && colon[1] >= '0' && colon[1] <= '9')
		port = strtoul(colon + 1, &after, 10);
	if (!after || *after || port > 65535 || end == host ||
		(size_t)(end - host) >= sizeof(place->host) || strpbrk(text, "\"\\ \t\r\n") ||
		(!place->brackets && memchr(host, ':', (size_t)(end - host))))
		return sw_error_set(error, -EINVAL,
			"%s: %.120s: not HOST:PORT ([HOST]:PORT for IPv6, ports 0 to 65535)",
			option, text);
	memcpy(place->host, host, (size_t)(end - host));
	snprintf(place->port, sizeof(place->port), "%lu", port);
	return 0;
}

static int bind_one(const struct addrinfo *address, int *listener)
{
	int one = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
		const int rc = -errno;

		close(fd);
		return rc;
	}
	*listener = fd;
	return 0;
}

static int bind_to(struct dialback *dialback, const char *text, const struct place *place,
	bool *anywhere, struct sw_error *error)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(place->host, place->port, &hints, &found);

	if (rc)
		return sw_error_set(
			error, -EINVAL, "dial-back: %.120s: %s", text, gai_strerror(rc));
	rc = bind_one(found, &dialback->listener);
	if (found->ai_family == AF_INET)
		*anywhere = ((struct sockaddr_in *)found->ai_addr)->sin_addr.s_addr == INADDR_ANY;
	else
		*anywhere = IN6_IS_ADDR_UNSPECIFIED(
			&((struct sockaddr_in6 *)found->ai_addr)->sin6_addr);
	freeaddrinfo(found);
	if (rc)
		return sw_error_set(error, rc, "dial-back: %.120s: %s", text, strerror(-rc));
	return 0;
}

static int bound_port(int listener)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	socklen_t bytes = sizeof(address);

	memset(&address, 0, sizeof(address));
	if (getsockname(listener, &address.any, &bytes) != 0)
		return 0;
	return ntohs(
		address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* What functions connect to: as given, with the port that was found where it says 0. */
static int set_address(struct dialback *dialback, const struct dialback_options *options,
	const struct place *listen_place, bool anywhere, struct sw_error *error)
{
	struct place place = *listen_place;
	int rc;

	if (options->advertise) {
		memset(&place, 0, sizeof(place));
		rc = parse_place("dial-back-advertise", options->advertise, &place, error);
		if (rc)
			return rc;
	} else if (anywhere) {
		return sw_error_set(error, -EINVAL,
			"dial-back: %.120s: no address that functions could connect to "
			"(dial-back-advertise says which)",
			options->listen);
	}
	if (strcmp(place.port, "0") == 0)
		snprintf(place.port, sizeof(place.port), "%d",
			bound_port(dialback->listener) & 0xffff);
	snprintf(dialback->address, sizeof(dialback->address), place.brackets ? "[%s]:%s" : "%s:%s",
		place.host, place.port);
	return 0;
}

/* ---- Key and certificate ---- */

static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	X509_NAME *name;
	uint64_t serial;

	if (!certificate)
		return NULL;
	name = X509_get_subject_name(certificate);
	if (RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
		X509_set_version(certificate, X509_VERSION_3) &&
		ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial | 1) &&
		X509_gmtime_adj(X509_getm_notBefore(certificate), -86400) &&
		X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_DAYS * 86400L) &&
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
			(const unsigned char *)"spillway dial-back", -1, -1, 0) &&
		X509_set_issuer_name(certificate, name) && X509_set_pubkey(certificate, key) &&
		X509_sign(certificate, key, EVP_sha256()))
		return certificate;
	X509_free(certificate);
	return NULL;
}

static bool set_print(struct dialback *dialback, const X509 *certificate)
{
	unsigned char print[EVP_MAX_MD_SIZE];
	unsigned bytes = 0;

	if (!X509_digest(certificate, EVP_sha256(), print, &bytes) || bytes != DIAL_PRINT_BYTES)
		return false;
	for (unsigned i = 0; i < bytes; i++)
		snprintf(dialback->print + (size_t)i * 2, 3, "%02x", print[i]);
	return true;
}

/* Both sides are ours: nothing older than TLS 1.3, no tickets to resume by. */
static bool set_up(SSL_CTX *tls, X509 *certificate, EVP_PKEY *key)
{
	if (!SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) ||
		!SSL_CTX_use_certificate(tls, certificate) || !SSL_CTX_use_PrivateKey(tls, key))
		return false;
	SSL_CTX_set_num_tickets(tls, 0);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_default_read_buffer_len(tls, READ_AHEAD_BYTES);
	return true;
}

static int make_tls(struct dialback *dialback, struct sw_error *error)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = key ? make_certificate(key) : NULL;
	char text[160];
	int rc = 0;

	dialback->tls = certificate ? SSL_CTX_new(TLS_server_method()) : NULL;
	if (!dialback->tls || !set_up(dialback->tls, certificate, key) ||
		!set_print(dialback, certificate)) {
		ERR_error_string_n(ERR_get_error(), text, sizeof(text));
		rc = sw_error_set(error, -EIO, "dial-back: certificate: %s", text);
	}
	X509_free(certificate);
	EVP_PKEY_free(key);
	return rc;
}

int dialback_listen(
	struct dialback *dialback, const struct dialback_options *options, struct sw_error *error)
{
	struct place place = { 0 };
	bool anywhere = false;
	int rc = parse_place("dial-back", options->listen, &place, error);

	if (!rc)
		rc = bind_to(dialback, options->listen, &place, &anywhere, error);
	if (!rc)
		rc = set_address(dialback, options, &place, anywhere, error);
	if (!rc)
		rc = make_tls(dialback, error);
	return rc;
}
