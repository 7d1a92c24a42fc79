#!/bin/sh
# SPDX-License-Identifier: MIT
#
# numa_guest.sh PROGRAM CACHE: boots a guest with two NUMA nodes of four cores, runs PROGRAM in it, and passes when it
# does. The kernel comes from the release's own packages, is unpacked into CACHE, not installed, and stays there.
# Exit 77 when the guest cannot be had.

set -eu
program=$1 cache=$2
seconds=200

skip()
{
	echo "SKIPPED: numa_guest: $*"
	exit 77
}

[ "$(uname -m)" = x86_64 ] || skip "the guest is x86_64, this machine is $(uname -m)"
for tool in qemu-system-x86_64 busybox cpio gzip ldd; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done

# Downloads the kernel that the release's kernel package for virtual machines depends on.
fetch_kernel()
{
	package=$(LC_ALL=C apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		awk '$1 == "Depends:" && $2 ~ /^linux-image/ { print $2; exit }')
	[ -n "$package" ] && apt-get -q download "$package" >/dev/null 2>&1
}

get_kernel()
{
	kernel=$(find "$cache" -name 'vmlinuz-*' 2>/dev/null | head -n 1)
	[ -z "$kernel" ] || return 0
	rm -rf "$cache"
	mkdir -p "$cache/package"
	(
		cd "$cache/package"
		# Package lists may be missing or old in a container.
		fetch_kernel || { [ "$(id -u)" = 0 ] && apt-get -q update >/dev/null 2>&1 && fetch_kernel; }
	) || skip "the kernel package cannot be downloaded"
	dpkg-deb --fsys-tarfile "$cache"/package/*.deb | tar -C "$cache" -xf - ./boot
	rm -rf "$cache/package"
	kernel=$(find "$cache" -name 'vmlinuz-*' | head -n 1)
	[ -n "$kernel" ] || skip "the kernel package has no vmlinuz"
}

# The guest's first program: mounts what hwloc reads, runs the test, and turns the machine off.
make_initramfs()
{
	mkdir -p "$place/root/bin" "$place/root/proc" "$place/root/sys" "$place/root/dev" "$place/root/tmp"
	cp "$(command -v busybox)" "$place/root/bin/busybox"
	cp "$program" "$place/root/bin/numa_guest"
	for library in $(ldd "$program" | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^\//) print $i }'); do
		mkdir -p "$place/root$(dirname "$library")"
		cp -L "$library" "$place/root$library"
	done
	cat >"$place/root/init" <<-'END'
	#!/bin/busybox sh
	/bin/busybox mount -t proc none /proc
	/bin/busybox mount -t sysfs none /sys
	/bin/busybox mount -t devtmpfs none /dev
	/bin/busybox mount -t tmpfs none /tmp
	/bin/numa_guest
	echo "NUMA GUEST: exit $?"
	/bin/busybox poweroff -f
	END
	chmod +x "$place/root/init"
	(cd "$place/root" && find . | cpio --quiet -o -H newc) | gzip -1 >"$place/initramfs"
}

get_kernel
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
make_initramfs
timeout -k 5 $seconds qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 1024 \
	-smp 8,sockets=2,cores=4 \
	-object memory-backend-ram,id=left,size=512M -object memory-backend-ram,id=right,size=512M \
	-numa node,nodeid=0,cpus=0-3,memdev=left -numa node,nodeid=1,cpus=4-7,memdev=right \
	-numa dist,src=0,dst=1,val=21 -kernel "$kernel" -initrd "$place/initramfs" \
	-append "console=ttyS0 quiet panic=-1" -nographic -no-reboot -net none \
	</dev/null >"$place/console" 2>&1 || echo "numa_guest: the guest did not end within $seconds s"
tr -d '\r' <"$place/console" | grep -E '^(#|ok|not ok|NUMA GUEST|[ A-Za-z].*)' || true
grep -q 'NUMA GUEST: PASSED' "$place/console" && grep -q 'NUMA GUEST: exit 0' "$place/console"
