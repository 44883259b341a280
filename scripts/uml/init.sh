#!/bin/bash
# The first process of the user-mode Linux that test-uml.js boots: the host's file system is its root. Mounts what a
# machine has, runs the files named in build/uml/tests that no other machine has taken, of some only the tests whose name
# fits, and writes their TAP to the second console.
root=$(realpath "$(dirname "$0")/../..")
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/run/tmp TAP=1
export RTNETLINK_SECOND_KERNEL=uml TAP_TIMEOUT=$TEST_TIMEOUT

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mkdir -p /dev/pts && mount -t devpts devpts /dev/pts
mkdir /run/tmp /run/modules /run/modules/lib

# Modules are not in /lib/modules, where modprobe looks, and the host's file system is not ours to change.
ln -s /usr/lib/uml/modules /run/modules/lib/modules
printf '#!/bin/sh\nexec modprobe -d /run/modules "$@"\n' >/run/modprobe
chmod +x /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe

# The kernel loads modules as they are asked for, but this one: netlink's answer without it is EAFNOSUPPORT.
/run/modprobe ipv6

ip link set lo up
cd "$root" || exit
exec </dev/null >/dev/tty1 2>&1
stty -F /dev/tty1 raw

set -o pipefail
echo TAP version 14
number=0
while IFS=$'\t' read -r file only; do
  taken=build/uml/taken/${file//\//:}
  mkdir "$taken" 2>/dev/null || { [ -d "$taken" ] && continue; }
  number=$((number + 1))
  unset TAP_GREP TAP_FILTER_QUIETLY
  [ -n "$only" ] && export TAP_GREP=$only TAP_FILTER_QUIETLY=1
  echo "# Subtest: $file"
  began=$(date +%s%3N)
  # Each has a /run/netns of its own: what one leaves there when it fails must not fail the next.
  unshare --mount sh -c 'mkdir -p /run/netns && mount -t tmpfs -o mode=755 tmpfs /run/netns && exec "$@"' sh \
    timeout -k 5 "$TEST_TIMEOUT" env LD_PRELOAD="$root/build/uml/vfork.so" "$NODE" --import "$root/scripts/typescript.js" "$file" | tee /run/tmp/tap | sed -u 's/^/    /'
  case $? in
    0) verdict=ok ;;
    124) verdict='not ok' && echo "    # no end within $TEST_TIMEOUT s" ;;
    *) verdict='not ok' ;;
  esac
  [ -n "$only" ] && grep -q '^1\.\.0' /run/tmp/tap && verdict='not ok' && echo "    # no test of it fits $only"
  echo "$verdict $number - $file # time=$(($(date +%s%3N) - began))ms"
done <build/uml/tests
echo "1..$number"

echo o >/proc/sysrq-trigger
sleep 60
