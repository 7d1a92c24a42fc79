// SPDX-License-Identifier: MIT
package spillway;

/** What a function says when it cannot answer: the caller is told the kind and the message. */
public class FunctionError extends RuntimeException {
	private static final long serialVersionUID = 1;

	FunctionError(String message) {
		// Without a stack: hostile events are told off, not debugged.
		super(message, null, false, false);
	}

	/** As the other functions call it. */
	String type() {
		return "Spillway." + getClass().getSimpleName();
	}

	/** For a caller by HTTP. Who is to blame: the caller, or us. */
	int status() {
		return this instanceof KernelFailed || this instanceof DeadlinePassed ? 500 : 400;
	}

	/** No {"frame": "BASE64"}. */
	static final class BadEvent extends FunctionError {
		private static final long serialVersionUID = 1;

		BadEvent(String message) {
			super(message);
		}
	}

	static final class BrokenFrame extends FunctionError {
		private static final long serialVersionUID = 1;

		BrokenFrame(String message) {
			super(message);
		}
	}

	/** Of the frame, the kernel or its columns. */
	static final class OtherVersion extends FunctionError {
		private static final long serialVersionUID = 1;

		OtherVersion(String message) {
			super(message);
		}
	}

	static final class UnknownKernel extends FunctionError {
		private static final long serialVersionUID = 1;

		UnknownKernel(String message) {
			super(message);
		}
	}

	static final class KernelFailed extends FunctionError {
		private static final long serialVersionUID = 1;

		KernelFailed(String message) {
			super(message);
		}
	}

	static final class DeadlinePassed extends FunctionError {
		private static final long serialVersionUID = 1;

		DeadlinePassed(String message) {
			super(message);
		}
	}
}
