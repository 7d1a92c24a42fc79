// SPDX-License-Identifier: MIT
package spillway;

import java.util.List;

/** The values of one column: whole numbers, or texts that lie somewhere in an array. */
sealed interface Column {
	int INT64 = 0, TIME_MS = 2, TEXT = 4;

	int rows();

	record Numbers(long[] values) implements Column {
		@Override
		public int rows() {
			return values.length;
		}
	}

	/** Row i is lengths[i] bytes of data from starts[i] on. */
	record Texts(byte[] data, int[] starts, int[] lengths) implements Column {
		@Override
		public int rows() {
			return starts.length;
		}

		/** ASCII alone. */
		static Texts of(List<String> texts) {
			int rows = texts.size(), size = 0, at = 0;
			int[] starts = new int[rows], lengths = new int[rows];

			for (String text : texts) {
				starts[at] = size;
				lengths[at++] = text.length();
				size = Math.addExact(size, text.length());
			}
			byte[] data = new byte[size];
			at = 0;
			for (String text : texts) {
				for (int i = 0; i < text.length(); i++)
					data[at++] = (byte)text.charAt(i);
			}
			return new Texts(data, starts, lengths);
		}
	}
}
