#!/bin/busybox sh
# PID 1 of the test machine: cgroup v2 with every controller that the tests need, a real disk on /tmp, then one scenario.
# Kernel parameters: headroom.scenario=NAME headroom.seconds=N (the guest gives up after N seconds, whatever happens).
export PATH=/bin HOME=/root TMPDIR=/tmp
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run
mount -t ext4 -o noatime /dev/nvme0n1 /tmp || echo "no disk on /tmp"
ip link set lo up
hostname guest
for controller in cpu memory pids io; do echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control; done
for parameter in $(cat /proc/cmdline); do
  case $parameter in
    headroom.scenario=*) scenario=${parameter#*=} ;;
    headroom.seconds=*) seconds=${parameter#*=} ;;
  esac
done
# -onlcr: lines arrive as they were written. -echo: nothing comes back.
stty -F /dev/ttyS1 raw -echo 2> /dev/null
cd /headroom || poweroff -f
timeout -k 2 "$seconds" node dist/test/vm/guest/main.js "$scenario" > /dev/ttyS1 2> /dev/console
status=$?
echo "scenario $scenario ended with $status"
# Setting a terminal waits until what was written to it is out.
stty -F /dev/ttyS1 raw -echo 2> /dev/null
# The host ends the machine when it has read the end. The emulated port may drop a byte while the host is busy, so the end is said again.
for second in 1 2 3 4 5 6 7 8 9; do
  sleep 1
  [ "$status" -eq 0 ] && echo '{"kind":"end"}' > /dev/ttyS1
done
poweroff -f
