#!/bin/sh
# Makes a base image of Debian's packages alone, for a machine that reaches Debian's mirrors and no registry of images:
# glibc, libstdc++, CA certificates, and a user that is not root. No shell, no package manager.
#
#   millrace image build --local --base "$(sh images/base/make-base.sh)"
#
# It needs a Debian or Ubuntu with a Docker engine, and no rights but to use that. Prints the name of the image, which
# says what is in it: one that is there is not made again.
set -eu

PACKAGES='libc6 libgcc-s1 libstdc++6 ca-certificates'

fail() {
  echo "make-base.sh: $1" >&2
  exit 2
}
for tool in apt-get dpkg-deb docker; do
  command -v "$tool" >/dev/null || fail "there is no $tool here; it needs a Debian or Ubuntu with Docker"
done

own=$(cat "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/packages" "$work/base"
# apt's own user, where there is one, writes what it downloads.
chmod 755 "$work" && chmod 777 "$work/packages"
(cd "$work/packages" && apt-get download $PACKAGES >&2) || fail 'the packages cannot be downloaded; try "apt-get update"'

# This file is part of what the image is, too.
name="millrace/base:$( (ls "$work/packages" && echo "$own") | sha256sum | cut -c 1-16)"
if docker image inspect "$name" >/dev/null 2>&1; then
  echo "$name"
  exit 0
fi

cd "$work/base"
for package in "$work"/packages/*.deb; do dpkg-deb -x "$package" .; done
# Packages of newer Debians expect that these are there.
for folder in lib lib64; do
  if [ ! -e "$folder" ] && [ -e "usr/$folder" ]; then ln -s "usr/$folder" "$folder"; fi
done
mkdir -p etc/ssl/certs
find usr/share/ca-certificates -name '*.crt' | LC_ALL=C sort | xargs cat >etc/ssl/certs/ca-certificates.crt
rm -rf usr/share/doc usr/share/man usr/share/lintian usr/share/ca-certificates usr/sbin usr/bin sbin
mkdir -p tmp root home/nonroot
chmod 1777 tmp
printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >etc/passwd
printf 'root:x:0:\nnonroot:x:65532:\n' >etc/group
printf 'hosts: files dns\n' >etc/nsswitch.conf

tar --create --sort=name --numeric-owner --owner=0 --group=0 --mtime=@0 . |
  docker import --change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' - "$name" >&2
echo "$name"
