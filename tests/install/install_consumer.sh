#!/bin/sh
# SPDX-License-Identifier: MIT
#
# install_consumer.sh BUILD CMAKE CC CXX: installs BUILD into a folder of its own, moves on from the source tree, and
# builds a small program against what was installed: by pkg-config (shared, static) and by CMake (both); and runs the
# installed command.

set -eu
build=$1 cmake=$2 cc=$3 cxx=$4
here=$(cd "$(dirname "$0")" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
prefix=$place/prefix

"$cmake" --install "$build" --prefix "$prefix" >"$place/install.log"
cp -r "$here/consumer" "$place/consumer"
cd "$place"
libdir=$(dirname "$(find "$prefix" -name libspillway.a)")

step()
{
	echo "install: $*"
}

export PKG_CONFIG_PATH="$libdir/pkgconfig"
step "pkg-config, shared"
# shellcheck disable=SC2046 # lists of words
"$cc" -std=gnu17 -Wall -Werror consumer/consumer.c -o shared $(pkg-config --cflags --libs spillway)
LD_LIBRARY_PATH=$libdir ./shared
ldd ./shared | grep -q 'libspillway\.so\.0 '

step "pkg-config, static"
# shellcheck disable=SC2046
"$cc" -std=gnu17 -Wall -Werror consumer/consumer.c -o static $(pkg-config --cflags --libs spillway-static)
./static
if ldd ./static | grep -q libspillway; then
	echo "install: the static program needs libspillway.so" >&2
	exit 1
fi

step "CMake package"
"$cmake" -S consumer -B cmake -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" >cmake.log
"$cmake" --build cmake >>cmake.log || {
	cat cmake.log
	exit 1
}
./cmake/consumer
./cmake/consumer_static

step "headers as C++"
find "$prefix/include/spillway" -name '*.h' | sed 's|.*/include/spillway/\(.*\)|#include "\1"|' >all.cc
[ "$(wc -l <all.cc)" -ge 10 ]
echo 'int main() { return 0; }' >>all.cc
"$cxx" -std=c++17 -Wall -Werror -I"$prefix/include/spillway" -fsyntax-only all.cc

step "only public names"
# What the shared library shows to others begins with sw_.
if nm -D --defined-only "$libdir/libspillway.so" | awk '{ print $3 }' | grep -Ev '^(sw_|_init$|_fini$)'; then
	echo "install: the shared library exports the names above" >&2
	exit 1
fi

for program in spillway lambda-local; do
	step "$program"
	"$prefix/bin/$program" --help >/dev/null
done
