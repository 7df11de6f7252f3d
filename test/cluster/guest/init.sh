#!/bin/sh
# PID 1 of the node: cgroup v2 with every controller, containerd, then the kubelet, which is started again when it ends.
# Kernel parameters: headroom.node=NAME headroom.address=ADDRESS headroom.gateway=ADDRESS, or headroom.bake=1 to take in the images and power off.
# /dev/nvme1n1 is a tar archive: certificates and configuration of this run, and the images that are made anew each time.
export PATH=/usr/local/bin:/bin HOME=/root
# For containerd, the kubelet and runc (a shim chooses four processors for itself): two emulated CPUs are shared by Node processes as well, and Go's
# scheduler and collector, made for many of them, take more than they save (docs/testing.md).
export GOMAXPROCS=1 GOGC=400
say() {
  read -r uptime _ < /proc/uptime
  echo "node: $uptime $1" > /dev/console
}
fail() {
  say "failed: $1"
  poweroff -f
}
mount -t proc proc /proc
mount -o remount,noatime /
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs tmpfs /tmp
# Volumes of pods are mounted where their containers see them.
mount --make-rshared /
ln -sfn /proc/self/fd /dev/fd
echo 3 > /proc/sys/kernel/printk
for parameter in $(cat /proc/cmdline); do
  case $parameter in
    headroom.node=*) node=${parameter#*=} ;;
    headroom.address=*) address=${parameter#*=} ;;
    headroom.gateway=*) gateway=${parameter#*=} ;;
    headroom.bake=1) bake=yes ;;
  esac
done
for module in $(cat /lib/modules/order); do insmod "/lib/modules/$module" || say "no module $module"; done
say 'up'
hostname "${node:-bake}"
ip link set lo up
if [ -n "$address" ]; then
  ip addr add "$address/24" dev eth0
  ip link set eth0 up
  ip route add default via "$gateway"
fi
echo 1 > /proc/sys/net/ipv4/ip_forward
# As the kubelet wants them (protectKernelDefaults).
echo 1 > /proc/sys/vm/overcommit_memory
echo 10 > /proc/sys/kernel/panic
echo 1 > /proc/sys/kernel/panic_on_oops

cgroups=/sys/fs/cgroup
for controller in $(cat $cgroups/cgroup.controllers); do echo "+$controller" > $cgroups/cgroup.subtree_control; done
mkdir -p $cgroups/system
for controller in cpu memory pids io; do echo "+$controller" > $cgroups/system/cgroup.subtree_control; done
mkdir -p $cgroups/system/containerd $cgroups/system/kubelet
# in_cgroup NAME COMMAND...
in_cgroup() {
  group=$1
  shift
  sh -c 'echo $$ > /sys/fs/cgroup/system/'"$group"'/cgroup.procs; exec "$@"' sh "$@"
}

# For the tests, which alone can reach this network.
nc -ll -p 2222 -e /bin/sh > /dev/null 2>&1 &

in_cgroup containerd containerd --log-level warn > /var/log/containerd.log 2>&1 &
tries=0
while [ ! -S /run/containerd/containerd.sock ]; do
  sleep 0.1
  tries=$((tries + 1))
  [ $tries -lt 600 ] || fail 'containerd does not listen'
done
# take_in ARCHIVE
take_in() {
  ctr -n k8s.io image import --local "$1" > /var/log/import.log 2>&1 || fail "the images of $1: $(tail -n 3 /var/log/import.log)"
}
if [ "$bake" = yes ]; then
  for archive in /images/*.tar; do
    take_in "$archive"
    rm -f "$archive"
  done
  kill "$(pidof containerd)"
  while pidof containerd > /dev/null; do sleep 0.1; done
  sync
  say baked
  umount -r / 2> /dev/null
  mount -o remount,ro /
  poweroff -f
fi

[ -f /etc/node/kubelet.json ] || tar -C /etc/node -xf /dev/nvme1n1 || fail 'no configuration on the second disk'
for archive in /etc/node/images/*.tar; do
  [ -f "$archive" ] || continue
  take_in "$archive"
  rm -f "$archive"
done
say 'images are in'
while :; do
  # Its figures of each container twice as often as by default: what is compared with them waits for them.
  in_cgroup kubelet kubelet --config=/etc/node/kubelet.json --kubeconfig=/etc/node/kubelet.kubeconfig --housekeeping-interval=5s \
    --hostname-override="$node" --node-ip="$address" >> /var/log/kubelet.log 2>&1
  say "the kubelet ended with $?"
  sleep 1
done
