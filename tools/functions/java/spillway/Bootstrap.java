// SPDX-License-Identifier: MIT
package spillway;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;

/** The function without AWS's own client: speaks the Lambda Runtime API, for as long as it lives. */
public final class Bootstrap {
	private static final String BASE = "/2018-06-01/runtime/";

	private final String api;

	private Bootstrap(String api) {
		this.api = api;
	}

	/** What the Runtime API answered. */
	private record Reply(HttpURLConnection from, byte[] body) {}

	/** body null: a GET. */
	private Reply call(String path, byte[] body) throws IOException {
		HttpURLConnection connection = (HttpURLConnection)URI.create("http://" + api + BASE + path)
				.toURL().openConnection();

		if (body != null) {
			connection.setDoOutput(true);
			connection.setRequestProperty("Content-Type", "application/json");
			connection.setFixedLengthStreamingMode(body.length);
			try (OutputStream to = connection.getOutputStream()) {
				to.write(body);
			}
		}
		int status = connection.getResponseCode();
		// 413: the answer was too large, which is told to the caller.
		if (status != 200 && status != 202 && status != 413)
			throw new IOException(path + ": status " + status);
		// Read to its end, so that the connection is used again.
		try (InputStream from = status == 413 ? connection.getErrorStream()
						      : connection.getInputStream()) {
			return new Reply(connection, from == null ? new byte[0] : from.readAllBytes());
		}
	}

	private static byte[] told(String type, String message) {
		return Envelope.told(type, message).getBytes(StandardCharsets.US_ASCII);
	}

	private void handle(Reply event) throws IOException {
		String id = event.from().getHeaderField("Lambda-Runtime-Aws-Request-Id");
		long deadline = event.from().getHeaderFieldLong("Lambda-Runtime-Deadline-Ms", 0);
		String what = "/error";
		byte[] answer;

		try {
			answer = Handler.answer(event.body(), deadline - System.currentTimeMillis());
			what = "/response";
		} catch (FunctionError e) {
			answer = told(e.type(), e.getMessage());
		} catch (RuntimeException | OutOfMemoryError e) {
			// Whatever it is, the next event is another one.
			e.printStackTrace();
			answer = told(e.getClass().getName(), e.getMessage());
		}
		call("invocation/" + id + what, answer);
	}

	public static void main(String[] arguments) {
		String api = System.getenv("AWS_LAMBDA_RUNTIME_API");

		if (api == null) {
			System.err.println("function: AWS_LAMBDA_RUNTIME_API: not set "
					+ "(this is run by lambda-local)");
			System.exit(1);
		}
		// An answer is handed in once: again would be the next event's.
		System.setProperty("sun.net.http.retryPost", "false");
		try {
			Bootstrap bootstrap = new Bootstrap(api);

			for (;;)
				bootstrap.handle(bootstrap.call("invocation/next", null));
		} catch (IOException e) {
			System.err.println("function: runtime API: " + e.getMessage());
			System.exit(1);
		}
	}
}
