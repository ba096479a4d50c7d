#!/bin/bash
# PID 1 of a rehearsed machine: makes /etc, /opt and the cgroups its own, starts the machine's boot script, and
# reaps. It began in namespaces that nothing else is in: no mount of it is seen outside.
set -eu
cd "$1"
name=$2
address=$3
length=$4
router=$5
role=$6
shift 6
mount -t overlay overlay -o lowerdir=/etc,upperdir=etc,workdir=work /etc
mkdir -p opt/toolkit/lib "opt/store/$role"
mount --bind ../../lib opt/toolkit/lib
mount -o remount,bind,ro opt/toolkit/lib
mount --bind "../../store/$role" "opt/store/$role"
mount -o remount,bind,ro "opt/store/$role"
mount --rbind opt /opt
mount -t tmpfs -o mode=755 tmpfs /run
# A task that runs as root sees neither the other machines nor the operator's secrets.
mount -t tmpfs -o ro,mode=700 tmpfs "$(cd ../.. && pwd -P)"
cd /
# Read whole before it changes.
mounts=$(cat /proc/self/mountinfo)
while read -r _ _ _ _ at _ rest; do
  kind=${rest#*- }
  case $kind in
    'cgroup '*)
      controllers=${kind##* }
      controllers=${controllers#rw,}
      [ "$controllers" != xattr,name=systemd ] || controllers=name=systemd
      case $controllers in name=*) controllers=none,$controllers ;; esac
      umount "$at" && mount -t cgroup -o "$controllers" cgroup "$at"
      ;;
    'cgroup2 '*)
      umount "$at"
      if [ "$at" = /sys/fs/cgroup ]; then
        mount -t cgroup2 cgroup2 "$at"
        mkdir -p "$at/init"
        echo 1 >"$at/init/cgroup.procs"
      fi
      ;;
  esac
done <<<"$mounts"
hostname "$name"
ip -batch - <<I
link set lo up
address add $address/$length dev eth0
link set eth0 up
route add default via $router
I
ulimit -n "$(ulimit -Hn)"
setsid /bin/bash /opt/toolkit/boot "$@" >>/opt/toolkit/boot.log 2>&1 </dev/null &
sleep infinity &
while :; do
  wait "$!" || true
done
