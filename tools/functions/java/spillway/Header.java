// SPDX-License-Identifier: MIT
package spillway;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

import spillway.FunctionError.BrokenFrame;
import spillway.FunctionError.OtherVersion;

/** The fixed part of a frame (burst/wire.c has the layout). An answer repeats most of it. */
final class Header {
	static final int BYTES = 108, REQUEST = 1, ANSWER = 2;
	static final int ROWS_MAX = 65536, CONFIG_MAX = 64;

	private static final int VERSION = 1;
	private static final byte[] MAGIC = { 'S', 'P', 'L', 'W' };

	final byte[] bytes;
	final int kind, columns, kernelVersion, rows, configBytes;
	final long frameBytes, events, arrivalMs, opDelayNs, deadlineMs;
	final String kernel;

	/** Reads the head of what should be a frame; does not look at the rest. */
	Header(byte[] frame) {
		if (frame.length < BYTES)
			throw new BrokenFrame("frame: ends in its header (" + frame.length + " bytes)");
		bytes = Arrays.copyOf(frame, BYTES);
		ByteBuffer at = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);

		if (!Arrays.equals(bytes, 0, 4, MAGIC, 0, 4))
			throw new BrokenFrame("frame: does not begin with SPLW");
		if (bytes[4] != VERSION)
			throw new OtherVersion("frame: version " + (bytes[4] & 0xff) + ": only "
					+ VERSION + " is understood");
		kind = bytes[5] & 0xff;
		if (kind != REQUEST && kind != ANSWER)
			throw new BrokenFrame("frame: kind " + kind + ": 1 or 2");
		if (bytes[6] != 0)
			throw new OtherVersion(
					"frame: codec " + (bytes[6] & 0xff) + ": only 0 is understood");
		columns = bytes[7] & 0xff;
		frameBytes = Integer.toUnsignedLong(at.getInt(8));
		kernelVersion = at.getInt(36);
		events = Integer.toUnsignedLong(at.getInt(44));
		arrivalMs = at.getLong(56);
		opDelayNs = Integer.toUnsignedLong(at.getInt(64));
		deadlineMs = Integer.toUnsignedLong(at.getInt(68));
		configBytes = limited("config bytes", at.getInt(72),
				Math.min(CONFIG_MAX, frame.length - BYTES));
		if (bytes[BYTES - 1] != 0)
			throw new BrokenFrame("frame: kernel name: longer than 31");
		rows = limited("rows", at.getInt(40), ROWS_MAX);
		kernel = name();
	}

	private static int limited(String what, int value, int most) {
		if (Integer.compareUnsigned(value, most) > 0)
			throw new BrokenFrame("frame: " + what + " "
					+ Integer.toUnsignedString(value) + ": at most " + most);
		return value;
	}

	private String name() {
		int end = 76;

		while (bytes[end] != 0)
			end++;
		return new String(bytes, 76, end - 76, StandardCharsets.US_ASCII);
	}

	/** Puts the head of the answer, without settings, at the front of a frame. */
	void putAnswer(ByteBuffer frame, int columns, int rows) {
		int named = 76 + kernel.length();

		frame.put(0, bytes);
		frame.put(5, (byte)ANSWER);
		frame.put(7, (byte)columns);
		frame.putInt(8, frame.limit());
		frame.putInt(40, rows);
		frame.putInt(72, 0);
		// Behind the name there are zeros, whatever the request had there.
		while (named < BYTES)
			frame.put(named++, (byte)0);
	}
}
