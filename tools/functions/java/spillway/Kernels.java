// SPDX-License-Identifier: MIT
package spillway;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

import spillway.FunctionError.KernelFailed;

/**
 * Kernels: pure functions from a batch to a batch, the same as those in nexmark/. Rows of a result
 * are in the order in which they first come up.
 */
final class Kernels {
	interface Run {
		Column[] run(Column[] columns, Header header);
	}

	record Kernel(int version, int[] input, int[] output, Run run) {}

	private record Group(long bidder, long window) {}

	private static final long WINDOW_MS = 10000;
	private static final int LINE = 7; // columns of a bid's line
	private static final int[] LINE_TYPES = { Column.INT64, Column.INT64, Column.INT64,
		Column.TEXT, Column.TEXT, Column.TIME_MS, Column.TEXT };
	private static final int[] SEQ_LINE_TYPES = { Column.INT64, Column.INT64, Column.INT64,
		Column.INT64, Column.TEXT, Column.TEXT, Column.TIME_MS, Column.TEXT };
	private static final int[] NUMBERS = { 0, 1, 2, 5 }, TEXTS = { 3, 4, 6 };
	private static final int[] PARTIAL = { Column.INT64, Column.TIME_MS, Column.INT64 };

	static final Map<String, Kernel> ALL = Map.of(
			"q12.arrival", new Kernel(1, new int[] { Column.INT64 }, PARTIAL,
					Kernels::q12Arrival),
			"q12.event", new Kernel(1, new int[] { Column.INT64, Column.TIME_MS }, PARTIAL,
					Kernels::q12Event),
			"tokenize.partial", new Kernel(1, LINE_TYPES,
					new int[] { Column.TEXT, Column.INT64 }, Kernels::tokenize),
			"tokenize.tokens", new Kernel(1, SEQ_LINE_TYPES,
					new int[] { Column.INT64, Column.TEXT }, Kernels::tokens));

	private Kernels() {}

	private static long[] numbers(Column column) {
		return ((Column.Numbers)column).values();
	}

	private static long window(long timeMs) {
		return timeMs - Math.floorMod(timeMs, WINDOW_MS);
	}

	/** One more of `key`. */
	private static <K> void count(Map<K, long[]> counts, K key) {
		counts.computeIfAbsent(key, absent -> new long[1])[0]++;
	}

	private static long[] values(Map<?, long[]> counts) {
		return counts.values().stream().mapToLong(count -> count[0]).toArray();
	}

	private static Column[] groups(Map<Group, long[]> counts) {
		long[] bidders = counts.keySet().stream().mapToLong(Group::bidder).toArray();
		long[] windows = counts.keySet().stream().mapToLong(Group::window).toArray();

		return new Column[] { new Column.Numbers(bidders), new Column.Numbers(windows),
			new Column.Numbers(values(counts)) };
	}

	private static Column[] q12Arrival(Column[] columns, Header header) {
		Map<Group, long[]> counts = new LinkedHashMap<>();
		long window = window(header.arrivalMs);

		for (long bidder : numbers(columns[0]))
			count(counts, new Group(bidder, window));
		return groups(counts);
	}

	private static Column[] q12Event(Column[] columns, Header header) {
		Map<Group, long[]> counts = new LinkedHashMap<>();
		long[] bidders = numbers(columns[0]), times = numbers(columns[1]);

		for (int i = 0; i < bidders.length; i++)
			count(counts, new Group(bidders[i], window(times[i])));
		return groups(counts);
	}

	/** A number's token: a sign is outside words. */
	private static String token(long value) {
		String digits = Long.toString(value);

		return value < 0 ? digits.substring(1) : digits;
	}

	private static boolean inWord(byte c) {
		int letter = c | 0x20;

		return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '_';
	}

	/** Hands out the words of a row, which are ASCII alone. */
	@SuppressWarnings("deprecation") // of the constructor that takes bytes for characters
	private static void split(Column.Texts texts, int row, Consumer<String> take) {
		byte[] data = texts.data();
		int at = texts.starts()[row], end = at + texts.lengths()[row];

		while (at < end) {
			int begin = at;

			while (at < end && inWord(data[at]))
				at++;
			if (at > begin)
				take.accept(new String(data, 0, begin, at - begin));
			else
				at++;
		}
	}

	private static Column[] tokenize(Column[] columns, Header header) {
		Map<String, long[]> counts = new LinkedHashMap<>();

		for (int column : NUMBERS) {
			for (long value : numbers(columns[column]))
				count(counts, token(value));
		}
		for (int column : TEXTS) {
			Column.Texts texts = (Column.Texts)columns[column];

			for (int row = 0; row < texts.rows(); row++)
				split(texts, row, word -> count(counts, word));
		}
		return new Column[] { Column.Texts.of(new ArrayList<>(counts.keySet())),
			new Column.Numbers(values(counts)) };
	}

	private static Column[] tokens(Column[] columns, Header header) {
		List<String> tokens = new ArrayList<>();
		long[] of = numbers(columns[0]), seqs = new long[Header.ROWS_MAX];

		for (int row = 0; row < of.length; row++) {
			int first = tokens.size();

			for (int i = 1; i <= LINE; i++) {
				if (columns[i] instanceof Column.Texts texts)
					split(texts, row, tokens::add);
				else
					tokens.add(token(numbers(columns[i])[row]));
			}
			if (tokens.size() > Header.ROWS_MAX)
				throw new KernelFailed("kernel: tokenize.tokens: more than "
						+ Header.ROWS_MAX + " tokens");
			Arrays.fill(seqs, first, tokens.size(), of[row]);
		}
		return new Column[] { new Column.Numbers(Arrays.copyOf(seqs, tokens.size())),
			Column.Texts.of(tokens) };
	}
}
