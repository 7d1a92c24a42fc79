#!/bin/sh
# SPDX-License-Identifier: MIT
# run_spin.sh [--expect-error] FILE.pml [-DNAME...]
#
# Verifies a Promela model with spin, for all states. Exit 0: no errors, the search was complete, and
# every assertion was reached; 1: not so; 2: wrong call; 77: there is no spin here. --expect-error:
# the other way round, for variants with a planted mistake: 0 when spin finds it.
set -u

expect_error=no
if [ "${1:-}" = --expect-error ]; then
	expect_error=yes
	shift
fi
if [ $# -lt 1 ] || [ ! -r "$1" ]; then
	echo "usage: run_spin.sh [--expect-error] FILE.pml [-DNAME...]" >&2
	exit 2
fi
if ! command -v spin >/dev/null 2>&1; then
	echo "SKIPPED: spin is not installed; the model $1 was NOT verified"
	exit 77
fi
model=$1
shift
name=$(basename "$model")
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cp "$model" "$folder/$name" && cd "$folder" || exit 1

if ! spin -a "$@" "$name" >spin.log 2>&1 || ! [ -s pan.c ]; then
	cat spin.log
	echo "$name: spin does not accept it"
	exit 1
fi
# Without temporal claims a search for safety is enough, and quicker.
kind=-DSAFETY
search=
if grep -q '^[[:space:]]*ltl\>' "$name"; then
	kind=
	search=-a
fi
if ! ${CC:-cc} -O2 -w $kind -DMEMLIM=2048 -DVECTORSZ=4096 -o pan pan.c >cc.log 2>&1; then
	cat cc.log
	echo "$name: its verifier does not compile"
	exit 1
fi
# -n would leave out the list of what was not reached.
./pan $search -m1000000 -w24 >pan.log 2>&1
if grep -q 'max search depth too small\|out of memory\|hash table full' pan.log ||
	! grep -q 'errors: [0-9]' pan.log; then
	cat pan.log
	echo "$name: the search was not complete"
	exit 1
fi
states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log)
if ! grep -q 'errors: 0' pan.log; then
	if [ $expect_error = yes ]; then
		echo "$name $*: the mistake is found, as it must be: $(sed -n 's/^pan:1: //p' pan.log)"
		exit 0
	fi
	cat pan.log
	spin -t -p -g "$@" "$name" 2>&1 | tail -n 80
	echo "$name: errors found"
	exit 1
fi
if [ $expect_error = yes ]; then
	echo "$name $*: no error found in $states states, but there is one"
	exit 1
fi
if grep "$name:[0-9]*, state [0-9]*, \"assert" pan.log; then
	echo "$name: these assertions are never reached, so they say nothing"
	exit 1
fi
echo "$name $*: verified, $states states"
