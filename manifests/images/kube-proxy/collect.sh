#!/bin/sh
# Usage: collect.sh ROOT TOOL... Copies the tools into ROOT/usr, with the libraries that they load.
set -eu
root=$1
shift
# As in Debian itself: programs and libraries are under /usr, and found by their old places too.
mkdir -p "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64" "$root/etc"
for dir in bin sbin lib lib64; do
    ln -s "usr/$dir" "$root/$dir"
done
cp --parents /etc/protocols /etc/services "$root" # what iptables calls tcp, udp, http
for tool; do
    path=$(readlink -f "$(command -v "$tool")")
    cp "$path" "$root/usr/${path#/usr/}"
    [ "$(basename "$path")" = "$tool" ] || ln -s "$(basename "$path")" "$root/usr/bin/$tool"
done
cp -r --parents /usr/lib/*/xtables "$root" # iptables loads its matches and targets by name
find "$root/usr" -type f -exec ldd {} + 2>/dev/null |
    grep -oE '/[^ ]+' | grep -v "^$root" | sort -u | while read -r library; do
    [ ! -f "$library" ] || cp --parents -L "$library" "$root"
done
