#!/usr/bin/env bash
# How a guest is booted: Debian's own kernel, with all of cgroup v2, under QEMU's emulation. Sourced, never run, by scripts that have a
# directory of theirs in $work.
# shellcheck disable=SC2154
set -euo pipefail

# shellcheck disable=SC2034 # read by the scripts that source this file
boot_packages=(qemu-system-x86 seabios cpio busybox-static e2fsprogs)

# The kernel image and its modules, downloaded once.
fetch_kernel() {
  if compgen -G "$work/kernel/boot/vmlinuz-*" >/dev/null; then return; fi
  local package
  package=$(apt-cache depends linux-image-cloud-amd64 | sed -nE 's/.*Depends: (linux-image-[0-9].*)/\1/p' | head -n 1)
  [[ -n $package ]] || fail "apt knows no linux-image-cloud-amd64" "apt-get update"
  say "downloading $package"
  rm -rf "$work/kernel"
  mkdir -p "$work/download"
  (cd "$work/download" && apt-get download --quiet --quiet "$package" 2>/dev/null)
  dpkg-deb --extract "$work/download/$package"_*.deb "$work/kernel"
  rm -r "$work/download"
}

# The first root: only the modules for the disk. Busybox is static.
make_initramfs() {
  local tree=$work/first modules
  rm -rf "$tree"
  mkdir -p "$tree"/{bin,disk,dev}
  cp /bin/busybox "$tree/bin/"
  modules=$(echo "$work"/kernel/lib/modules/*/kernel/drivers)
  cp "$modules"/virtio/{virtio,virtio_ring,virtio_pci_legacy_dev,virtio_pci_modern_dev,virtio_pci}.ko "$modules/block/virtio_blk.ko" "$tree/"
  cat >"$tree/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk; do /bin/busybox insmod /$module.ko; done
/bin/busybox mount -t ext4 /dev/vda /disk || /bin/busybox poweroff -f
/bin/busybox umount /dev
exec /bin/busybox switch_root /disk /init
INIT
  chmod +x "$tree/init"
  (cd "$tree" && find . | cpio --create --format=newc --quiet) >"$work/initramfs.cpio"
  rm -rf "$tree"
}

# emulate IMAGE MEGABYTES SECONDS WORDS...: the guest whose root is the image, cut short after so long; WORDS are for the kernel, which
# hands what it doesn't know of them to init, as variables of the environment. Its console is the output.
emulate() {
  # That it was cut short shows in what is missing.
  timeout --foreground --kill-after=5 "$3" qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -smp 2 -m "$2" \
    -nodefaults -no-user-config -nographic -serial stdio -no-reboot -kernel "$work"/kernel/boot/vmlinuz-* \
    -initrd "$work/initramfs.cpio" -drive "id=root,file=$1,format=raw,if=none,cache=unsafe" \
    -device virtio-blk-pci,drive=root \
    -append "console=ttyS0 quiet panic=-1 tsc=reliable systemd.unified_cgroup_hierarchy=1 ${*:4}" </dev/null || true
}
