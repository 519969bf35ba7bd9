#!/bin/sh
# Usage: split-archive.sh ARCHIVE DIR. Splits what `docker save` wrote into DIR/node.tar, the images
# that every node runs, and DIR/control-plane.tar, those only the control plane runs. The layers are
# compressed one by one: containerd then stores and hashes a quarter of the bytes.
set -eu
archive=$1 dir=$2
everywhere='/(kube-proxy|pause|coredns/coredns):'
mkdir -p "$dir" /unpacked
tar -xf "$archive" -C /unpacked
cd /unpacked
mv manifest.json all.json
# The names stay; containerd looks at the first bytes, and checks what comes out.
jq -r '.[].Layers[]' all.json | sort -u | while read -r layer; do
    [ ! -L "$layer" ] || layer=$(readlink -f "$layer")
    zstd -q -t "$layer" 2>/dev/null && continue # two names of one layer
    zstd -q -9 -T0 --rm "$layer" -o "$layer.zst"
    mv "$layer.zst" "$layer"
done

# Name of the archive, and what selects its images (a jq expression after a test of the first tag).
pack() {
    jq "[.[] | select(.RepoTags[0] | test(\"$everywhere\") $2)]" all.json >manifest.json
    jq -r '.[] | .Config, .Layers[]' manifest.json | sort -u >files
    [ -s files ] || { echo "split-archive.sh: no image for $1 in $archive" >&2; exit 1; }
    tar -ch -f "$dir/$1.tar" manifest.json -T files
}
pack node ''
pack control-plane '| not'
