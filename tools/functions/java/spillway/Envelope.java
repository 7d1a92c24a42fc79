// SPDX-License-Identifier: MIT
package spillway;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;

import spillway.FunctionError.BadEvent;
import spillway.FunctionError.BrokenFrame;

/**
 * The frame in the JSON, both ways: for Invoke, and for callers by HTTP (format 2.0). The service has
 * made sure that events are JSON.
 */
final class Envelope {
	private static final byte[] HEAD = "{\"frame\":\"".getBytes(StandardCharsets.US_ASCII);
	private static final byte[] HTTP_HEAD =
			("{\"statusCode\":200,\"headers\":{\"content-type\":"
					+ "\"application/octet-stream\"},"
					+ "\"isBase64Encoded\":true,\"body\":\"")
					.getBytes(StandardCharsets.US_ASCII);
	private static final byte[] TAIL = "\"}".getBytes(StandardCharsets.US_ASCII);

	private Envelope() {}

	/** Index of the first character of the outermost object's member of that name, or the end. */
	private static int find(byte[] json, String name) {
		byte[] key = name.getBytes(StandardCharsets.US_ASCII);
		int depth = 0;

		for (int at = 0; at < json.length; at++) {
			if (json[at] == '{' || json[at] == '[')
				depth++;
			if (json[at] == '}' || json[at] == ']')
				depth--;
			if (json[at] != '"')
				continue;
			int end = stringEnd(json, at + 1);
			if (depth == 1 && Arrays.equals(json, at + 1, end, key, 0, key.length)) {
				int colon = skipSpace(json, Math.min(end + 1, json.length));

				// A string of that text may also be a value.
				if (colon < json.length && json[colon] == ':')
					return skipSpace(json, colon + 1);
			}
			at = end;
		}
		return json.length;
	}

	/** The text of a member that is a string, as it is written; null: there is none. */
	private static byte[] string(byte[] json, String name) {
		int at = find(json, name);

		if (at == json.length || json[at] != '"')
			return null;
		return Arrays.copyOfRange(json, at + 1, stringEnd(json, at + 1));
	}

	private static boolean isTrue(byte[] json, String name) {
		int at = find(json, name);

		return at < json.length && json[at] == 't';
	}

	/** Whether a caller by HTTP has sent it. */
	static boolean isHttp(byte[] json) {
		return Arrays.equals(string(json, "version"), new byte[] { '2', '.', '0' });
	}

	/** The frame of {"frame": "BASE64"}; other members may stand beside it. */
	static byte[] open(byte[] json) {
		byte[] digits = string(json, "frame");

		if (digits == null)
			throw new BadEvent(
					"event: no \"frame\" in it ({\"frame\": \"BASE64\"} expected)");
		return decode(digits);
	}

	/** The frame that is the body of a caller's request. */
	static byte[] openHttp(byte[] json) {
		byte[] digits = isTrue(json, "isBase64Encoded") ? string(json, "body") : null;

		if (digits == null)
			throw new BadEvent("event: no binary \"body\" in it (a frame as "
					+ "application/octet-stream expected)");
		return decode(digits);
	}

	/** Index of the quote that ends the string whose first character is at `start`, or the end. */
	private static int stringEnd(byte[] json, int start) {
		int at = start;

		while (at < json.length && json[at] != '"')
			at += json[at] == '\\' ? 2 : 1;
		return Math.min(at, json.length);
	}

	private static int skipSpace(byte[] json, int at) {
		while (at < json.length && (json[at] == ' ' || json[at] == '\t' || json[at] == '\n'
				|| json[at] == '\r'))
			at++;
		return at;
	}

	private static byte[] decode(byte[] digits) {
		try {
			byte[] frame = Base64.getDecoder().decode(digits);
			byte[] last = Arrays.copyOfRange(
					frame, Math.max(0, (frame.length - 1) / 3 * 3), frame.length);
			byte[] again = Base64.getEncoder().encode(last);
			int from = digits.length - again.length;

			// Padding is there, and what the last digits leave unused is zero.
			if (digits.length % 4 == 0
					&& Arrays.equals(digits, from, digits.length, again, 0,
							again.length))
				return frame;
		} catch (IllegalArgumentException e) {
			// Said below.
		}
		throw new BrokenFrame("event: frame: not Base64");
	}

	static byte[] close(byte[] frame) {
		return wrap(HEAD, frame);
	}

	static byte[] closeHttp(byte[] frame) {
		return wrap(HTTP_HEAD, frame);
	}

	private static byte[] wrap(byte[] head, byte[] frame) {
		byte[] digits = Base64.getEncoder().encode(frame);
		byte[] json = Arrays.copyOf(head, head.length + digits.length + TAIL.length);

		System.arraycopy(digits, 0, json, head.length, digits.length);
		System.arraycopy(TAIL, 0, json, head.length + digits.length, TAIL.length);
		return json;
	}

	/** An error as the service hands it on. What a stranger sent may be in the message. */
	static String told(String type, String message) {
		String plain = String.valueOf(message).replaceAll("[^ -~]|[\"\\\\]", "'");

		return "{\"errorMessage\":\"" + plain + "\",\"errorType\":\"" + type + "\"}";
	}

	/** An error as an answer: the service would not tell the caller what it was. */
	static byte[] errorHttp(FunctionError error) {
		String body = told(error.type(), error.getMessage()).replace("\"", "\\\"");

		return ("{\"statusCode\":" + error.status()
				+ ",\"headers\":{\"content-type\":\"application/json\","
				+ "\"x-spillway-error\":\"" + error.type() + "\"},\"body\":\"" + body
				+ "\"}")
				.getBytes(StandardCharsets.US_ASCII);
	}
}
