# What the first process of a throw-away host does before it becomes systemd. It is in namespaces of its own for mounts,
# names, processes and the network already, and does what a boot loader and an initramfs would do.
#
#   $1 the base system  $2 what this host has changed in it  $3 overlayfs's working directory  $4 where to mount the whole
#   $5 the Engine's data
set -eu
read -r _ || : # until the network is there
exec </dev/null
mount --make-rprivate /
mount -t overlay -o "lowerdir=$1,upperdir=$2,workdir=$3" overlay "$4"
mount --bind "$5" "$4/var/lib/docker" # not on the overlay, so that the Engine can make overlays itself
cd "$4"
mount -t proc proc proc
# The kernel is the machine's: a host may set what is of its own network, and nothing else.
mount --bind proc/sys/net proc/sys/net
mount --rbind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for device in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "dev/${device%:*}" c 1 "${device#*:}"; done
mknod -m 666 dev/tty c 5 0
hostname "$(cat etc/hostname)"
pivot_root . mnt
umount -l /mnt
mount --make-rshared / # without it the credentials that systemd loads for a unit are silently not there
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init
