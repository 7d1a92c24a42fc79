// SPDX-License-Identifier: MIT
package spillway;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

import spillway.FunctionError.DeadlinePassed;
import spillway.FunctionError.OtherVersion;
import spillway.FunctionError.UnknownKernel;

/**
 * {"frame": "BASE64"} in, the kernel's answer as {"frame": "BASE64"} out; or a caller's HTTP request,
 * whose body is the frame, and the HTTP answer.
 */
public final class Handler {
	private static final long MS_NS = 1000000;

	/** What Lambda's Java runtime calls; its streams need no library of AWS's. */
	public void handleRequest(InputStream event, OutputStream answer) throws IOException {
		answer.write(answer(event.readAllBytes(), Long.MAX_VALUE));
	}

	private static Kernels.Kernel kernelOf(Header header) {
		Kernels.Kernel kernel = Kernels.ALL.get(header.kernel);
		String name = "kernel: " + header.kernel + ": ";

		if (header.kind != Header.REQUEST)
			throw new OtherVersion("event: frame: not a request");
		if (kernel == null)
			throw new UnknownKernel(name + "this function has none such");
		if (kernel.version() != header.kernelVersion)
			throw new OtherVersion(name + "version "
					+ Integer.toUnsignedString(header.kernelVersion)
					+ " was asked for, this function has version "
					+ kernel.version());
		if (header.configBytes != 0)
			throw new OtherVersion(
					name + header.configBytes + " bytes of settings (0 expected)");
		return kernel;
	}

	/** Nobody waits for an answer after the deadline: it would cost, and change nothing. */
	private static void checkTime(double neededMs, double leftMs) {
		if (neededMs > leftMs)
			throw new DeadlinePassed(String.format("event: %.0f ms needed, %.0f ms left",
					neededMs, Math.max(0, leftMs)));
	}

	private static void sleep(double costMs, long begin) {
		long leftNs = (long)(costMs * MS_NS) - (System.nanoTime() - begin);

		try {
			if (leftNs > 0)
				Thread.sleep(leftNs / MS_NS, (int)(leftNs % MS_NS));
		} catch (InterruptedException e) {
			throw new IllegalStateException("interrupted", e);
		}
	}

	/** Answers an event that may take `leftMs`. */
	static byte[] answer(byte[] event, long leftMs) {
		long begin = System.nanoTime();

		if (!Envelope.isHttp(event))
			return Envelope.close(run(Envelope.open(event), leftMs, begin));
		try {
			return Envelope.closeHttp(run(Envelope.openHttp(event), leftMs, begin));
		} catch (FunctionError e) {
			return Envelope.errorHttp(e);
		}
	}

	private static byte[] run(byte[] frame, long leftMs, long begin) {
		Header header = new Header(frame);
		Kernels.Kernel kernel = kernelOf(header);
		Column[] columns = Frame.decode(frame, header, kernel.input());
		long events = header.events != 0 ? header.events : columns[0].rows();
		double costMs = (double)events * header.opDelayNs / MS_NS;

		if (header.deadlineMs != 0)
			leftMs = Math.min(leftMs, header.deadlineMs);
		checkTime(costMs, leftMs);
		if (costMs > 0)
			sleep(costMs, begin);
		byte[] answer = Frame.answer(header, kernel.output(),
				kernel.run().run(columns, header));
		checkTime((System.nanoTime() - begin) / (double)MS_NS, leftMs);
		return answer;
	}
}
