/* SPDX-License-Identifier: MIT */
#include "tools/functions/c/dialback_link.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

struct dialback_link {
	SSL_CTX *tls;
	SSL *ssl;
	int fd;
};

static int finish_connect(int fd, int timeout_ms)
{
	struct pollfd poller = { .fd = fd, .events = POLLOUT };
	socklen_t bytes = sizeof(int);
	int code = 0, ready;

	do
		ready = poll(&poller, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return ready < 0 ? -errno : -ETIMEDOUT;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &bytes);
	return -code;
}

static int connect_one(const struct addrinfo *address, int timeout_ms, int *connected)
{
	struct timeval timeout = { .tv_sec = timeout_ms / 1000,
		.tv_usec = timeout_ms % 1000 * 1000 };
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, rc = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
		rc = errno == EINPROGRESS ? finish_connect(fd, timeout_ms) : -errno;
	if (rc) {
		close(fd);
		return rc;
	}
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	*connected = fd;
	return 0;
}

static int connect_to(
	const char *host, const char *port, int timeout_ms, int *connected, struct sw_error *error)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(host, port, &hints, &found);

	if (rc)
		return sw_error_set(
			error, -EHOSTUNREACH, "dial-back: %.120s: %s", host, gai_strerror(rc));
	rc = -EHOSTUNREACH;
	for (const struct addrinfo *at = found; at && rc; at = at->ai_next)
		rc = connect_one(at, timeout_ms, connected);
	freeaddrinfo(found);
	if (rc)
		return sw_error_set(
			error, rc, "dial-back: %.120s port %s: %s", host, port, strerror(-rc));
	return 0;
}

/* Nobody vouches for the certificate but the invitation, which has its fingerprint; that the other
 * side has its key is shown by the handshake. */
static int check_print(const SSL *ssl, const uint8_t *print, struct sw_error *error)
{
	const X509 *certificate = SSL_get0_peer_certificate(ssl);
	unsigned char found[EVP_MAX_MD_SIZE];
	unsigned bytes = 0;

	if (!certificate || !X509_digest(certificate, EVP_sha256(), found, &bytes) ||
		bytes != DIALBACK_PRINT_BYTES || CRYPTO_memcmp(found, print, bytes) != 0)
		return sw_error_set(
			error, -EPERM, "dial-back: its certificate is not that of the invitation");
	return 0;
}

static int shake_hands(struct dialback_link *link, const uint8_t *print, struct sw_error *error)
{
	link->tls = SSL_CTX_new(TLS_client_method());
	if (link->tls && SSL_CTX_set_min_proto_version(link->tls, TLS1_3_VERSION)) {
		SSL_CTX_set_verify(link->tls, SSL_VERIFY_NONE, NULL);
		SSL_CTX_set_read_ahead(link->tls, 1);
		link->ssl = SSL_new(link->tls);
	}
	if (!link->ssl || SSL_set_fd(link->ssl, link->fd) != 1)
		return sw_error_set(error, -ENOMEM, "dial-back: no memory");
	if (SSL_connect(link->ssl) != 1) {
		char text[120];

		ERR_error_string_n(ERR_peek_error(), text, sizeof(text));
		ERR_clear_error();
		return sw_error_set(error, -EPROTO, "dial-back: TLS: %s", text);
	}
	return check_print(link->ssl, print, error);
}

int dialback_link_open(const char *host, const char *port,
	const uint8_t print[DIALBACK_PRINT_BYTES], int timeout_ms, struct dialback_link **made,
	struct sw_error *error)
{
	struct dialback_link *link = calloc(1, sizeof(*link));
	int rc;

	if (!link)
		return sw_error_set(error, -ENOMEM, "dial-back: no memory");
	link->fd = -1;
	/* Writing to who has gone is an error, not the end. */
	signal(SIGPIPE, SIG_IGN);
	rc = connect_to(host, port, timeout_ms, &link->fd, error);
	if (!rc)
		rc = shake_hands(link, print, error);
	if (rc) {
		dialback_link_close(link);
		return rc;
	}
	*made = link;
	return 0;
}

void dialback_link_close(struct dialback_link *link)
{
	if (!link)
		return;
	if (link->ssl && SSL_is_init_finished(link->ssl))
		SSL_shutdown(link->ssl);
	SSL_free(link->ssl);
	SSL_CTX_free(link->tls);
	if (link->fd >= 0)
		close(link->fd);
	ERR_clear_error();
	free(link);
}

int dialback_link_write(struct dialback_link *link, const void *from, size_t bytes)
{
	size_t written;

	ERR_clear_error();
	return SSL_write_ex(link->ssl, from, bytes, &written) == 1 ? 0 : -ECONNRESET;
}

int dialback_link_read(struct dialback_link *link, void *to, size_t bytes)
{
	char *at = to;

	while (bytes > 0) {
		size_t got;

		ERR_clear_error();
		if (SSL_read_ex(link->ssl, at, bytes, &got) != 1)
			return -ECONNRESET;
		at += got;
		bytes -= got;
	}
	return 0;
}

int dialback_link_wait(struct dialback_link *link, int timeout_ms)
{
	struct pollfd poller = { .fd = link->fd, .events = POLLIN };
	int ready;

	if (SSL_has_pending(link->ssl))
		return 1;
	ready = poll(&poller, 1, timeout_ms);
	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	return ready;
}
