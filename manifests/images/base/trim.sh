#!/bin/sh
# Usage: trim.sh ROOT. Removes from a fresh debootstrap tree what no container needs, and
# keeps later `apt-get install` runs from bringing it back.
set -eu
root=${1:?usage: trim.sh ROOT}
[ -f "$root/etc/debian_version" ] || { echo "trim.sh: $root is no Debian tree" >&2; exit 1; }

cat >"$root/etc/dpkg/dpkg.cfg.d/trim" <<'CONF'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
force-unsafe-io
CONF

cat >"$root/etc/apt/apt.conf.d/trim" <<'CONF'
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "false";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
CONF

# No package may start a service while an image is being built.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"

find "$root/usr/share/doc" -mindepth 1 ! -type d ! -name copyright -delete
find "$root/usr/share/doc" -mindepth 1 -type d -empty -delete
for dir in /usr/share/info /usr/share/lintian /usr/share/locale /usr/share/man \
    /var/cache/apt /var/cache/debconf /var/lib/apt/lists /var/log; do
    [ ! -d "$root$dir" ] || find "$root$dir" -mindepth 1 -delete
done
# Every container has an identity of its own; the builder's files are not for it.
rm -f "$root/etc/machine-id" "$root/etc/hostname" "$root/etc/resolv.conf" \
    "$root"/etc/*- "$root"/var/lib/dpkg/*-old
