#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bench_smoke.sh PROGRAM: every benchmark runs for a moment, none fails, and the output is JSON that says where it is from.

set -eu
output=$(mktemp)
trap 'rm -f "$output"' EXIT
"$1" --benchmark_min_time=0.001 --benchmark_format=json >"$output"
if grep -B 12 '"error_occurred": true' "$output"; then
	echo "bench: the cases above failed" >&2
	exit 1
fi
for key in revision cpu compiler pinning benchmarks; do
	grep -q "\"$key\":" "$output" || {
		echo "bench: the output has no \"$key\"" >&2
		exit 1
	}
done
for group in ring handover kernels wire generator; do
	grep -q "\"name\": \"$group/" "$output" || {
		echo "bench: no benchmark of group $group ran" >&2
		exit 1
	}
done
if command -v python3 >/dev/null; then
	python3 -m json.tool "$output" >/dev/null
fi
echo "bench: $(grep -c '"run_type"' "$output") cases ran"
