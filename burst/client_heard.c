/* SPDX-License-Identifier: MIT */
/*
 * Connections that die without a word. libcurl keeps one on which requests time out, and sends the
 * next ones on it, too; so a connection on which nothing has come back since a request was given
 * to it that then timed out is shut down, with all that is under way on it.
 */
#include <sys/socket.h>

#include "burst/client_private.h"
#include "runtime/clock.h"

static bool find_socket(struct client_easy *easy, curl_socket_t *found)
{
	return curl_easy_getinfo(easy->curl, CURLINFO_ACTIVESOCKET, found) == CURLE_OK &&
	       *found != CURL_SOCKET_BAD;
}

void client_note_heard(struct client *client, struct client_easy *easy)
{
	struct client_heard *into = &client->heard[0];
	curl_socket_t found;

	if (!find_socket(easy, &found))
		return;
	for (uint32_t i = 0; i < CLIENT_HEARD_MAX; i++) {
		if (client->heard[i].socket == found && client->heard[i].at_ns > 0) {
			into = &client->heard[i];
			break;
		}
		if (client->heard[i].at_ns < into->at_ns)
			into = &client->heard[i];
	}
	*into = (struct client_heard){ found, sw_now_ns() };
}

/* A number that another connection had before was last heard before this request was sent. */
void client_note_silence(struct client *client, struct client_easy *easy)
{
	curl_socket_t found;

	if (!find_socket(easy, &found))
		return;
	for (uint32_t i = 0; i < CLIENT_HEARD_MAX; i++) {
		if (client->heard[i].socket == found && client->heard[i].at_ns > easy->submitted_ns)
			return;
	}
	shutdown(found, SHUT_RDWR);
}
