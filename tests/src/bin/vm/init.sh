#!/bin/busybox sh
# The first program of a machine in which Handoff is tested: makes it ready, takes the steps one after the other, and turns it off.
# What is said here is read at the other end of the second serial line; the first one is the kernel's.
/bin/busybox mkdir -p /proc /sys /dev /run /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t bpf bpf /sys/fs/bpf
/bin/busybox mount -t tmpfs tmpfs /run
/bin/busybox mount -t tmpfs tmpfs /tmp
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
/bin/busybox stty -F /dev/ttyS1 raw -echo
exec < /dev/null > /dev/ttyS1 2>&1
while read -r module; do
    /bin/busybox insmod "$module" || echo "vm: cannot load $module"
done < /modules
/usr/sbin/ip link set lo up
echo "vm: up"
# Lines of a name and a command.
while read -r name command; do
    echo "vm: begin $name"
    /bin/busybox sh -c "$command" < /dev/null
    echo "vm: end $name $?"
done < /steps
echo "vm: off"
/bin/busybox poweroff -f
