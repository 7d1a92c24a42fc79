// SPDX-License-Identifier: MIT
package spillway;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;

import spillway.FunctionError.BadEvent;
import spillway.FunctionError.BrokenFrame;

/** The frame in the JSON, both ways. The service has made sure that events are JSON. */
final class Envelope {
	private static final byte[] KEY = { 'f', 'r', 'a', 'm', 'e' };
	private static final byte[] HEAD = "{\"frame\":\"".getBytes(StandardCharsets.US_ASCII);
	private static final byte[] TAIL = "\"}".getBytes(StandardCharsets.US_ASCII);

	private Envelope() {}

	/** The frame of {"frame": "BASE64"}; other members may stand beside it. */
	static byte[] open(byte[] json) {
		int depth = 0;

		for (int at = 0; at < json.length; at++) {
			if (json[at] == '{' || json[at] == '[')
				depth++;
			if (json[at] == '}' || json[at] == ']')
				depth--;
			if (json[at] != '"')
				continue;
			int end = stringEnd(json, at + 1);
			if (depth == 1 && Arrays.equals(json, at + 1, end, KEY, 0, KEY.length)) {
				int value = valueStart(json, end + 1);

				if (value < json.length)
					return decode(Arrays.copyOfRange(
							json, value, stringEnd(json, value)));
			}
			at = end;
		}
		throw new BadEvent("event: no \"frame\" in it ({\"frame\": \"BASE64\"} expected)");
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

	/** Index of the first character of the string that follows a key, or the end: none does. */
	private static int valueStart(byte[] json, int at) {
		at = skipSpace(json, at);
		if (at == json.length || json[at] != ':')
			return json.length;
		at = skipSpace(json, at + 1);
		return at == json.length || json[at] != '"' ? json.length : at + 1;
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
		byte[] digits = Base64.getEncoder().encode(frame);
		byte[] json = Arrays.copyOf(HEAD, HEAD.length + digits.length + TAIL.length);

		System.arraycopy(digits, 0, json, HEAD.length, digits.length);
		System.arraycopy(TAIL, 0, json, HEAD.length + digits.length, TAIL.length);
		return json;
	}
}
