// SPDX-License-Identifier: MIT
package spillway;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;

import spillway.FunctionError.BrokenFrame;
import spillway.FunctionError.KernelFailed;
import spillway.FunctionError.OtherVersion;

/**
 * A batch on its way to a function, and the answer on its way back (burst/wire.c has the layout).
 * Every byte is hostile: any input gives a batch that is whole, or an error that names the field.
 */
final class Frame {
	static final int BYTES_MAX = 64 << 20;

	private static final int COLUMN_BYTES = 8, CRC_BYTES = 4;
	private static final int PLAIN = 0, NARROW = 1, DICTIONARY = 2;
	private static final int ENTRIES_MAX = 16384;
	private static final int TEXT_BYTES_MAX = 256 << 20; // of one column, resolved

	private final byte[] data;
	private final ByteBuffer at;
	private final int rows;

	private Frame(byte[] data, int rows) {
		this.data = data;
		this.rows = rows;
		at = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
	}

	/** The columns of a whole frame, which must be of these types. */
	static Column[] decode(byte[] data, Header header, int[] types) {
		checkWhole(data, header);
		return new Frame(data, header.rows).columns(header, types);
	}

	private static void checkWhole(byte[] data, Header header) {
		int size = data.length - CRC_BYTES;
		long said, found;

		if (size < Header.BYTES || data.length > BYTES_MAX)
			throw new BrokenFrame("frame: " + data.length + " bytes: cannot be one");
		if (header.frameBytes != data.length)
			throw new BrokenFrame("frame: says it has " + header.frameBytes
					+ " bytes: has " + data.length);
		said = Integer.toUnsignedLong(
				ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).getInt(size));
		found = sum(data, size);
		if (said != found)
			throw new BrokenFrame(String.format(
					"frame: CRC-32 is %08x: the bytes give %08x", said, found));
	}

	private static long sum(byte[] data, int size) {
		CRC32 crc = new CRC32();

		crc.update(data, 0, size);
		return crc.getValue();
	}

	private Column[] columns(Header header, int[] types) {
		Column[] columns = new Column[types.length];

		if (header.columns != types.length)
			throw new OtherVersion("frame: " + header.columns + " columns: " + types.length
					+ " are expected");
		if (Header.BYTES + header.configBytes > data.length - CRC_BYTES)
			throw new BrokenFrame("frame: ends in its config");
		at.limit(data.length - CRC_BYTES);
		at.position(Header.BYTES + header.configBytes);
		for (int i = 0; i < types.length; i++)
			columns[i] = column(types[i]);
		if (at.hasRemaining())
			throw new BrokenFrame(
					"frame: " + at.remaining() + " bytes behind the last column");
		return columns;
	}

	private Column column(int expected) {
		if (at.remaining() < COLUMN_BYTES)
			throw new BrokenFrame("frame: ends in a column's head");
		int type = at.get() & 0xff, encoding = at.get() & 0xff, width = at.get() & 0xff;
		at.get();
		int size = at.getInt(), begin = at.position();

		if (type != expected)
			throw new OtherVersion("frame: column of type " + type + ": " + expected
					+ " is expected");
		if (Integer.compareUnsigned(size, at.remaining()) > 0)
			throw new BrokenFrame("frame: ends in a column");
		at.position(begin + size);
		if (type != Column.TEXT)
			return numbers(encoding, width, begin, size);
		if (encoding == PLAIN)
			return texts(width, begin, size);
		if (encoding == DICTIONARY)
			return dictionary(width, begin, size);
		throw new BrokenFrame("frame: text column: encoding " + encoding);
	}

	/** The unsigned number of `width` bytes (1, 2, 4) at an index of an array of them. */
	private long unsigned(int begin, int width, int index) {
		switch (width) {
		case 1:
			return at.get(begin + index) & 0xff;
		case 2:
			return at.getShort(begin + 2 * index) & 0xffff;
		default:
			return Integer.toUnsignedLong(at.getInt(begin + 4 * index));
		}
	}

	private Column numbers(int encoding, int width, int begin, int size) {
		long[] values = new long[rows];

		if (encoding == PLAIN) {
			if (width != 8 || size != rows * 8)
				throw new BrokenFrame("frame: plain column: wrong size");
			for (int i = 0; i < rows; i++)
				values[i] = at.getLong(begin + 8 * i);
			return new Column.Numbers(values);
		}
		if (encoding != NARROW)
			throw new BrokenFrame("frame: integer column: encoding " + encoding);
		if ((width != 0 && width != 1 && width != 2 && width != 4)
				|| size != 8 + rows * width)
			throw new BrokenFrame("frame: narrow column: wrong size");
		long base = at.getLong(begin);
		for (int i = 0; i < rows; i++) {
			values[i] = width == 0 ? base : base + unsigned(begin + 8, width, i);
			if (values[i] < base)
				throw new BrokenFrame("frame: narrow column: a value is out of range");
		}
		return new Column.Numbers(values);
	}

	private Column texts(int width, int begin, int size) {
		int[] starts = new int[rows], lengths = new int[rows];
		long used = (long)rows * width;

		if (width != 1 && width != 2 && width != 4)
			throw new BrokenFrame("frame: text column: width " + width);
		if (used > size)
			throw new BrokenFrame("frame: text column: ends in its lengths");
		for (int i = 0; i < rows; i++) {
			long length = unsigned(begin, width, i);

			if (length > size - used)
				throw new BrokenFrame("frame: text column: row " + i + ": too long");
			starts[i] = (int)(begin + used);
			lengths[i] = (int)length;
			used += length;
		}
		if (used != size)
			throw new BrokenFrame("frame: text column: bytes behind the rows");
		return new Column.Texts(data, starts, lengths);
	}

	private Column dictionary(int width, int begin, int size) {
		if (size < 4 || (width != 1 && width != 2))
			throw new BrokenFrame("frame: dictionary: head");
		int entries = at.getInt(begin);
		if (Integer.compareUnsigned(entries, ENTRIES_MAX) > 0)
			throw new BrokenFrame("frame: dictionary: " + Integer.toUnsignedString(entries)
					+ " entries: at most " + ENTRIES_MAX);
		int codes = begin + 4 + 2 * entries, text = codes + rows * width;
		int[] starts = new int[entries];
		int end = text;
		if (text > begin + size)
			throw new BrokenFrame("frame: dictionary: ends in its codes");
		for (int i = 0; i < entries; i++) {
			starts[i] = end;
			end += (int)unsigned(begin + 4, 2, i);
		}
		if (end != begin + size)
			throw new BrokenFrame("frame: dictionary: lengths that do not add up");
		return resolve(width, begin + 4, codes, starts);
	}

	private Column resolve(int width, int lengthsAt, int codesAt, int[] entries) {
		int[] starts = new int[rows], lengths = new int[rows];
		long total = 0;

		for (int i = 0; i < rows; i++) {
			int code = (int)unsigned(codesAt, width, i);

			if (code >= entries.length)
				throw new BrokenFrame("frame: dictionary: code " + code + " of "
						+ entries.length);
			starts[i] = entries[code];
			lengths[i] = (int)unsigned(lengthsAt, 2, code);
			total += lengths[i];
			// A small frame can stand for very much text.
			if (total > TEXT_BYTES_MAX)
				throw new KernelFailed("frame: text column: more than " + TEXT_BYTES_MAX
						+ " bytes");
		}
		return new Column.Texts(data, starts, lengths);
	}

	/** The frame that answers a request: its key, its figures, other columns. */
	static byte[] answer(Header header, int[] types, Column[] columns) {
		long size = Header.BYTES + CRC_BYTES;

		if (columns[0].rows() > Header.ROWS_MAX)
			throw new KernelFailed("kernel: " + header.kernel + ": " + columns[0].rows()
					+ " rows: at most " + Header.ROWS_MAX);
		// Plain columns of the widest numbers: no column takes more.
		for (Column column : columns) {
			size += COLUMN_BYTES + 8 + 8L * column.rows();
			if (column instanceof Column.Texts texts)
				size += texts.data().length;
		}
		if (size > BYTES_MAX)
			throw new KernelFailed("answer: " + size + " bytes: at most " + BYTES_MAX);
		ByteBuffer to = ByteBuffer.allocate((int)size).order(ByteOrder.LITTLE_ENDIAN);
		to.position(Header.BYTES);
		for (int i = 0; i < types.length; i++) {
			if (columns[i] instanceof Column.Texts texts)
				putTexts(to, texts);
			else
				putNumbers(to, types[i], ((Column.Numbers)columns[i]).values());
		}
		to.limit(to.position() + CRC_BYTES);
		header.putAnswer(to, types.length, columns[0].rows());
		byte[] frame = new byte[to.limit()];
		to.get(0, frame, 0, to.position());
		ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN).putInt(
				to.position(), (int)sum(frame, to.position()));
		return frame;
	}

	/** Bytes that hold 0..range (unsigned), of what the format knows. */
	private static int widthOf(long range) {
		if (range == 0)
			return 0;
		if (range < 0 || range > 0xffffffffL)
			return 8;
		return range <= 0xff ? 1 : range <= 0xffff ? 2 : 4;
	}

	private static void putUnsigned(ByteBuffer to, int width, long value) {
		if (width == 1)
			to.put((byte)value);
		else if (width == 2)
			to.putShort((short)value);
		else if (width == 4)
			to.putInt((int)value);
	}

	private static void putHead(ByteBuffer to, int type, int encoding, int width, int size) {
		to.put((byte)type).put((byte)encoding).put((byte)width).put((byte)0).putInt(size);
	}

	private static void putNumbers(ByteBuffer to, int type, long[] values) {
		long low = values.length > 0 ? values[0] : 0, high = low;

		for (long value : values) {
			low = Math.min(low, value);
			high = Math.max(high, value);
		}
		int width = widthOf(high - low);
		if (width == 8) {
			putHead(to, type, PLAIN, 8, 8 * values.length);
			for (long value : values)
				to.putLong(value);
			return;
		}
		putHead(to, type, NARROW, width, 8 + width * values.length);
		to.putLong(low);
		for (long value : values)
			putUnsigned(to, width, value - low);
	}

	private static void putTexts(ByteBuffer to, Column.Texts texts) {
		int rows = texts.rows(), longest = 0, total = 0;

		for (int length : texts.lengths()) {
			longest = Math.max(longest, length);
			total += length;
		}
		int width = Math.max(1, widthOf(longest));
		putHead(to, Column.TEXT, PLAIN, width, rows * width + total);
		for (int length : texts.lengths())
			putUnsigned(to, width, length);
		for (int i = 0; i < rows; i++)
			to.put(texts.data(), texts.starts()[i], texts.lengths()[i]);
	}
}
