#!/bin/sh
# engine.sh FOLDER GROUP: a Docker engine of the sandbox's own. It runs in namespaces of its own (`unshare`), so its
# networks, rules, mounts and containers are seen nowhere else, and end with the first process of the namespace, this one.
# What it would write into /run, /etc and /opt goes into memory. Its control groups are named GROUP.
set -eu
folder=$1
group=$2
sandbox=${folder%/*}
# shellcheck source=/dev/null
. "${0%/*}/../lib/sandbox.sh"
unmount_others
mount -t tmpfs -o mode=0755 holdpoint-drill /run
for one in etc opt; do
  mkdir -p "/run/private/$one.new" "/run/private/$one.work"
  mount -t overlay -o "lowerdir=/$one,upperdir=/run/private/$one.new,workdir=/run/private/$one.work" holdpoint-drill "/$one"
done
# No daemon.json of the machine, none of its name servers, no profile of AppArmor in the kernel, no kernel setting of the machine.
rm -rf /etc/docker /etc/resolv.conf
echo 'nameserver 127.0.0.1' >/etc/resolv.conf
[ ! -e /sys/module/apparmor/parameters/enabled ] || mount --bind /dev/null /sys/module/apparmor/parameters/enabled
mount --bind /proc/sys/kernel/keys /proc/sys/kernel/keys
mount -o remount,bind,ro /proc/sys/kernel/keys
/usr/bin/python3 -c 'import fcntl, socket, struct
UP, SET_FLAGS = 1, 0x8914
fcntl.ioctl(socket.socket(), SET_FLAGS, struct.pack("16sH14x", b"lo", UP))'
/usr/bin/python3 "${0%/*}/names.py" &
mkdir -p /run/docker
dockerd --data-root "$folder/root" --exec-root /run/docker --pidfile /run/docker.pid --host unix:///run/docker.sock \
  --cgroup-parent "/$group" --exec-opt native.cgroupdriver=cgroupfs --log-level warn &
wait $!  # and not `exec`: the first process of a namespace has to take leave of orphans, which dockerd does not
