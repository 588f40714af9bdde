#!/bin/bash
# Builds the Linux guest: a small raw disk with Debian's kernel and busybox, made without root and without mounting anything.
set -euo pipefail
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/azureiaas/guests

usage() {
    cat <<'USAGE'
Usage: build-guest.sh [--kernel cloud|generic] bios|uefi
       build-guest.sh --check
       build-guest.sh --packages

Prints the path of a raw disk with the guest on it, which boots from a BIOS or from UEFI firmware, and builds it where it is not
in the cache yet ($XDG_CACHE_HOME or ~/.cache, azureiaas/guests). The disk is for copying; nobody should write to it.

  --kernel     Debian's cloud kernel, which is the default, or its generic one, with drivers for older hardware
  --check      print what is missing, a line "TOOL PACKAGE" each, and end with status 3 if anything is
  --packages   print the packages that must be installed to build it
USAGE
}

main() {
    local kernel=cloud kind=
    while [ $# -gt 0 ]; do
        case $1 in
        --kernel)
            kernel=${2:-}
            [ $# -lt 2 ] || shift
            ;;
        --check) check && exit 0 || exit 3 ;;
        --packages) listed install | cut -d ' ' -f 1 && exit 0 ;;
        --help | -h) usage && exit 0 ;;
        bios | uefi) kind=$1 ;;
        *) usage >&2 && exit 2 ;;
        esac
        shift
    done
    case $kernel:$kind in
    cloud:bios | cloud:uefi | generic:bios | generic:uefi) ;;
    *) usage >&2 && exit 2 ;;
    esac

    local missing
    missing=$(check) || fail 3 "these tools are missing (tool, Debian package):"$'\n'"$missing"
    find_packages "$kernel"
    local image
    image=$cache/$(recipe_digest "$kind" "$kernel")/guest.raw
    if [ ! -e "$image" ]; then
        mkdir -p "$cache/packages"
        # One builder at a time; what one that was killed has left is then nobody's, and what nobody used for a month may go.
        exec 9>"$cache/lock"
        flock 9
        rm -rf "$cache"/building.*
        find "$cache" "$cache/packages" -mindepth 1 -maxdepth 1 -mtime +30 ! -name packages -exec rm -rf {} +
        [ -e "$image" ] || build "$kind" "$image"
    fi
    touch "$(dirname "$image")"
    echo "$image"
}

fail() {
    echo "build-guest.sh: $2" >&2
    exit "$1"
}

# The entries of packages.txt or modules.txt (by default the former) that begin with a word, without it.
listed() {
    sed -n "s/^$1 //p" "$here/${2:-packages.txt}"
}

check() {
    local package tools tool complete=0
    while read -r package tools; do
        for tool in $tools; do
            command -v "$tool" >/dev/null || { echo "$tool $package" && complete=1; }
        done
    done < <(listed install)
    return $complete
}

# The names of the guest agent's packages; the last of several where apt knows none, and says so.
agent_packages() {
    local names name
    while IFS='|' read -ra names; do
        for name in "${names[@]}"; do
            if apt-cache show --no-all-versions "$name" >/dev/null 2>&1; then break; fi
        done
        echo "$name"
    done < <(listed agent)
}

# Leaves in $packages, a line each, what identifies the packages to unpack: address, file name, size and digest.
find_packages() {
    local kernel_meta=linux-image-amd64 kernel_package
    [ "$1" = generic ] || kernel_meta=linux-image-cloud-amd64
    kernel_package=$(apt-cache depends "$kernel_meta" 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)
    [ -n "$kernel_package" ] ||
        fail 4 "apt does not know $kernel_meta. Run 'apt-get update' as root; the guest is made from Debian's packages for amd64."
    # shellcheck disable=SC2046 # one word each
    packages=$(cd / && apt-get download --print-uris "$kernel_package" $(listed unpack) $(agent_packages) 2>&1) ||
        fail 4 "apt cannot find every package; run 'apt-get update' as root. It says:"$'\n'"$packages"
    packages=$(grep "^'" <<<"$packages" | sort)
}

# A guest is known by everything that has gone into it.
recipe_digest() {
    {
        echo "$1 $2"
        cut -d ' ' -f 2- <<<"$packages"
        cd "$here" && find . -type f | sort | xargs sha256sum
    } | sha256sum | cut -c 1-16
}

# Puts everything into a folder of its own, which gets its name only once it is whole.
build() {
    local kind=$1 image=$2
    work=$(mktemp -d "$cache/building.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    chmod 755 "$work"
    mkdir "$work/result" "$work/unpacked" "$work/root" "$work/initramfs"

    unpack_packages
    version=$(ls "$work/unpacked/lib/modules")
    kernel_modules=$work/unpacked/lib/modules/$version
    busybox=$work/unpacked/bin/busybox
    make_initramfs
    make_root
    "make_${kind}_disk" "$work/result/guest.raw"

    chmod 444 "$work/result/guest.raw"
    chmod 755 "$work/result"
    mv -T "$work/result" "$(dirname "$image")"
}

unpack_packages() {
    local _uri file _size digest agent into
    agent=" $(agent_packages | tr '\n' ' ')"
    while read -r _uri file _size digest; do
        digest=${digest#SHA256:}
        local deb=$cache/packages/$file
        if ! sha256sum --status -c - <<<"$digest  $deb" 2>/dev/null; then
            download "$file" "$work/download"
            sha256sum --status -c - <<<"$digest  $work/download/$file" || fail 4 "$file is not the file that apt has announced."
            mv "$work/download/$file" "$deb"
        fi
        touch "$deb"
        # Apart: programs of this machine's are run with the libraries of the others.
        case $agent in *" ${file%%_*} "*) into=$work/agent ;; *) into=$work/unpacked ;; esac
        dpkg -x "$deb" "$into"
    done <<<"$packages"
}

# A package's file is named NAME_VERSION_ARCHITECTURE.deb, with a colon in the version encoded.
download() {
    local name=${1%%_*} version=${1#*_}
    version=${version%_*}
    mkdir -p "$2"
    (cd "$2" && apt-get download -q -o APT::Sandbox::User=root "$name=${version//%3a/:}") >"$work/log" 2>&1 ||
        fail 4 "$name could not be downloaded; if its version is no longer offered, run 'apt-get update' as root. It says:
$(<"$work/log")"
}

# Copies modules, and what they depend on, from the kernel's tree to another, without folders between.
copy_modules() {
    local tree=$1 to=$1/lib/modules/$version name file copy
    shift
    mkdir -p "$to"
    for name in "$@"; do
        # File names may have hyphens where modules have underscores, and may be compressed.
        file=$(find "$kernel_modules/kernel" -name "${name//_/[-_]}.ko*" -print -quit)
        copy=$to/$(basename "$file" .xz)
        if [ -n "$file" ] && [ ! -e "$copy" ]; then
            cp "$file" "$to/"
            case $file in *.xz) "$busybox" unxz "$copy.xz" ;; esac
            # shellcheck disable=SC2046 # names without spaces
            copy_modules "$tree" $(tr '\0' '\n' <"$copy" | sed -n 's/^depends=//p' | tr ',' ' ')
        fi
    done
}

index_modules() {
    cp "$kernel_modules"/modules.builtin* "$kernel_modules/modules.order" "$1/lib/modules/$version/"
    "$busybox" depmod -b "$1" "$version"
}

# busybox under all its names.
install_busybox() {
    local name
    mkdir -p "$1/bin"
    cp "$busybox" "$1/bin/busybox"
    for name in $("$busybox" --list-full); do
        mkdir -p "$1/$(dirname "$name")"
        [ -e "$1/$name" ] || ln -s /bin/busybox "$1/$name"
    done
}

# The guest agent with the libraries it says it needs, and those they need.
install_agent() {
    local tree=$1 lib found
    cp "$work/agent/usr/sbin/qemu-ga" "$tree/usr/sbin/"
    mkdir -p "$tree/lib/x86_64-linux-gnu" "$tree/lib64"
    for lib in ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libglib-2.0.so.0 libgmodule-2.0.so.0 libnuma.so.1 libpcre2-8.so.0 libudev.so.1 liburing.so.2; do
        found=$(find "$work/agent" -name "$lib" ! -path '*/lib64/*' -print -quit)
        [ -n "$found" ] || fail 4 "$lib is in none of the guest agent's packages."
        cp -L "$found" "$tree/lib/x86_64-linux-gnu/$lib"
    done
    ln -s ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$tree/lib64/ld-linux-x86-64.so.2"
}

make_initramfs() {
    local tree=$work/initramfs
    mkdir -p "$tree"/{bin,sbin,dev,proc,sys,root}
    cp "$busybox" "$tree/bin/"
    cp "$here/initramfs/init" "$tree/init"
    chmod 755 "$tree/init"
    # The kernel asks for modules by way of this one.
    ln -s /bin/busybox "$tree/sbin/modprobe"
    # shellcheck disable=SC2046 # names without spaces
    copy_modules "$tree" $(listed disk modules.txt)
    index_modules "$tree"
    (cd "$tree" && find . | sort | "$busybox" cpio -o -H newc -R 0:0 2>/dev/null | gzip -9n) >"$work/initrd"
}

make_root() {
    local tree=$work/root
    mkdir -p "$tree"/{boot/grub,dev,proc,sys,run,tmp,root,usr/lib,var/log}
    install_busybox "$tree"
    install_agent "$tree"
    cp -r "$here/root/." "$tree/"
    cp "$work/unpacked/usr/lib/os-release" "$tree/usr/lib/os-release"
    ln -s ../usr/lib/os-release "$tree/etc/os-release"
    cp "$work/unpacked/etc/debian_version" "$tree/etc/"
    chmod 755 "$tree"/etc/guest/* "$tree"/etc/acpi/*/* "$tree"/etc/udhcpc/*
    # shellcheck disable=SC2046 # names without spaces
    copy_modules "$tree" $(listed disk modules.txt) $(listed later modules.txt)
    index_modules "$tree"
    # As long as they will ever be: a number is written over the last one.
    printf '%-11u\n' 0 | tee "$tree/boot-count" >"$tree/ticks"
}

# The root file system, from a MiB of the disk on to its end. The features are those that GRUB can read.
make_root_file_system() {
    local disk=$1 start=$2 end=$3 features=none,has_journal,ext_attr,dir_index,filetype,extent,64bit,flex_bg
    features+=,sparse_super,large_file,huge_file,dir_nlink,extra_isize
    mke2fs -q -t ext4 -O "$features" \
        -L guest-root -U 53494147-0000-4000-8000-000000000001 -N 4096 -J size=4 -m 0 \
        -E "offset=$((start << 20)),root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0" \
        -d "$work/root" "$disk" "$(((end - start) << 10))k"
}

# An emulated timer on a busy computer ticks too late for the kernel's check of it, which would panic.
kernel_options='root=LABEL=guest-root rw console=tty0 console=ttyS0 quiet no_timer_check'

make_bios_disk() {
    local disk=$1 grub=$work/unpacked/usr/lib/grub/i386-pc
    cp "$work/unpacked/boot/vmlinuz-$version" "$work/root/boot/"
    cp "$work/initrd" "$work/root/boot/initrd.img-$version"
    cat >"$work/root/boot/grub/grub.cfg" <<CONFIG
linux /boot/vmlinuz-$version $kernel_options
initrd /boot/initrd.img-$version
boot
CONFIG
    truncate -s 512M "$disk"
    sfdisk -q "$disk" <<'TABLE'
label: dos
label-id: 0x53494147
start=2048, type=83, bootable
TABLE
    make_root_file_system "$disk" 1 512
    LD_LIBRARY_PATH=$work/unpacked/lib/x86_64-linux-gnu:$work/unpacked/usr/lib/x86_64-linux-gnu \
        "$work/unpacked/usr/bin/grub-mkimage" -O i386-pc -d "$grub" -p '(,msdos1)/boot/grub' -o "$work/core.img" \
        biosdisk part_msdos ext2 linux normal serial terminal configfile
    # The boot sector's code loads what begins in the next sector; the partition table behind the code stays.
    dd if="$grub/boot.img" of="$disk" bs=440 count=1 conv=notrunc status=none
    dd if="$work/core.img" of="$disk" bs=512 seek=1 conv=notrunc status=none
}

make_uefi_disk() {
    local disk=$1
    cat >"$work/loader.conf" <<'CONFIG'
timeout 0
default guest.conf
CONFIG
    cat >"$work/guest.conf" <<CONFIG
title guest
linux /vmlinuz
initrd /initrd
options $kernel_options
CONFIG
    truncate -s 512M "$disk"
    sfdisk -q "$disk" <<'TABLE'
label: gpt
label-id: 53494147-0000-4000-8000-000000000002
start=1MiB, size=32MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=53494147-0000-4000-8000-000000000003, name=esp
start=33MiB, size=478MiB, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=53494147-0000-4000-8000-000000000004, name=root
TABLE
    local esp=$disk@@1M
    mformat -i "$esp" -T 65536 -h 64 -s 32 -v GUEST-ESP -N 53494147 ::
    mmd -i "$esp" ::/EFI ::/EFI/BOOT ::/loader ::/loader/entries
    mcopy -i "$esp" "$work/unpacked/usr/lib/systemd/boot/efi/systemd-bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
    mcopy -i "$esp" "$work/loader.conf" ::/loader/loader.conf
    mcopy -i "$esp" "$work/guest.conf" ::/loader/entries/guest.conf
    mcopy -i "$esp" "$work/unpacked/boot/vmlinuz-$version" ::/vmlinuz
    mcopy -i "$esp" "$work/initrd" ::/initrd
    make_root_file_system "$disk" 33 511
}

main "$@"
