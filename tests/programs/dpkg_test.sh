#!/bin/bash
# dpkg_test.sh SLUICEFS CACHE: dpkg, run from a root directory on the mount, installs a small Debian there, with its
# maintainer scripts. Each file is then what its package holds, with its owner, mode and capability, as dpkg and tar see
# it behind the mount; a package is installed over itself, and another is removed. Packages are kept in CACHE.
# shellcheck source=tests/programs/on_mount.sh
. "$(dirname "$0")/on_mount.sh"
readonly cache=$2 root=$mnt/root behind=$source/root
readonly packages=(base-files base-passwd bash coreutils dash debconf diffutils dpkg findutils grep gzip hostname
  init-system-helpers iputils-ping libc-bin login mawk passwd perl-base sed sysvinit-utils tar usr-is-merged util-linux)
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

# They and all that they depend on, as for a machine on which nothing is installed.
fetch_packages() {
  [ -e "$cache/complete" ] && return
  mkdir -p "$cache/partial" && : >"$scratch/status" &&
    apt-get -qq -y --download-only --no-install-recommends -o Dir::State::Status="$scratch/status" \
      -o Dir::Cache::Archives="$cache" -o APT::Sandbox::User=root install "${packages[@]}" >"$scratch/apt.log" 2>&1 &&
    touch "$cache/complete"
}
fetch_packages || { tail -n 5 "$scratch/apt.log"; skip "no packages to be had (offline?)"; }

in_root() { env -i PATH="$PATH" LC_ALL=C DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true chroot "$root" "$@"; }
dpkg_in_root() {  # ARGUMENT...
  in_root dpkg --force-depends "$@" >>"$scratch/dpkg.log" 2>&1 && return
  grep -B 3 -A 2 -iE "error|cannot" "$scratch/dpkg.log" | tail -n 40 >&2
  die "dpkg $*"
}

# The files of packages, as seen in the root directory.
files_of() {  # PACKAGE...
  local package
  for package in "$@"; do (cd "$root" && ls packages/"$package"_*.deb) | sed 's|^|/|'; done
}

# As debootstrap does: unpacked first, so that there is something to run dpkg with, and then installed.
make_root() {
  local directory package
  mkdir -p "$root/var/lib/dpkg" "$root/packages" "$root/dev" "$root/etc" || return 1
  for directory in bin sbin lib lib64; do
    mkdir -p "$root/usr/$directory" && ln -s "usr/$directory" "$root/$directory" || return 1
  done
  for package in "$cache"/*.deb; do
    cp "$package" "$root/packages" && dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$root" || return 1
  done
  mknod -m 666 "$root/dev/null" c 1 3 && : >"$root/var/lib/dpkg/status" && : >"$root/var/lib/dpkg/available" &&
    cp /etc/passwd /etc/group "$root/etc" && chmod 644 "$root/etc/passwd" "$root/etc/group"
}

# Prints what is not as the packages have it. Left out: what scripts are there to change (the configuration, the terminal
# of whoever logs in), and directories that others have made links.
differences() {  # DIRECTORY
  local package
  dpkg --root="$1" --admindir="$1/var/lib/dpkg" --verify
  for package in "$cache"/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar --compare --numeric-owner -C "$1" 2>&1
  done | grep -vE '^\./(bin|sbin|lib|lib64|var/lock|var/run): |^\./etc/|^tar: ./etc/|Mod time differs$'
}
is_as_packaged() {  # DIRECTORY
  differences "$1" >"$scratch/differences"
  [ ! -s "$scratch/differences" ] || { head -n 20 "$scratch/differences" >&2; die "$1 is not what was installed"; }
}

start_mount -o dev,suid
make_root || die "no root directory"
mapfile -t files < <(files_of base-passwd base-files dpkg)
dpkg_in_root --install "${files[@]}"
dpkg_in_root --unpack --recursive /packages
dpkg_in_root --configure --pending
[ -z "$(in_root dpkg --audit)" ] || die "dpkg --audit finds packages in disorder"
! long || is_as_packaged "$root"
is_as_packaged "$behind"
echo "$(in_root dpkg-query -W | wc -l) packages installed"

# What gives power keeps it, and gives it.
ping=$(in_root sh -c 'readlink -f "$(command -v ping)"')
getcap "$behind$ping" | grep -q cap_net_raw || die "ping has no capability behind the mount"
[ "$(stat -c '%U %a' "$behind/usr/bin/passwd")" = "root 4755" ] || die "passwd is not setuid behind the mount"
in_root cp /usr/bin/id /usr/bin/setuid-id && in_root chmod 4755 /usr/bin/setuid-id
[ "$(chroot --userspec=65534:65534 "$root" /usr/bin/setuid-id -u)" = 0 ] || die "a setuid program has no power on the mount"

mapfile -t files < <(files_of coreutils util-linux)
dpkg_in_root --install "${files[@]}"
is_as_packaged "$behind"
dpkg_in_root --purge iputils-ping
[ ! -e "$behind$ping" ] || die "a removed package is there"
stop_mount

nothing_is_said_of() {  # FILE
  differences "$behind" >"$scratch/differences"
  ! grep -q "$1" "$scratch/differences"
}
chmod g+w "$behind/usr/bin/sort"
must_notice nothing_is_said_of usr/bin/sort
damage "$behind/usr/bin/wc" 5000
must_notice nothing_is_said_of usr/bin/wc
