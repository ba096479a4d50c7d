#!/bin/bash
# What a machine does at each of its starts, whatever its role: functions only. The role's part,
# which follows, says what is written and fetched, and calls `main`. Nothing here knows whether the
# machine is in AWS. Secrets are held in variables of this shell and written by its own printf: no
# process sees one among its arguments or in its environment.
set -Eeuo pipefail
umask 077
export PATH=/opt/toolkit/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
home=/opt/toolkit
state=/opt/state
# Seconds for all of a start: the stack, which waits for fifteen minutes, is to hear the reason.
limit=780
mode=start
resource=
name=
address=
declare -A value slot
declare -a args secrets packages

# Ends the run with the reason, and tells the stack of a start that failed.
fail() {
  trap - ERR
  echo "toolkit: $*" >&2
  if [ "$mode" = start ] && [ "$BASHPID" = "$$" ]; then
    toolkit-signal failure "$resource" "$*" || true
  fi
  exit 1
}
trap 'fail "the boot script ended with status $? in line $LINENO"' ERR

# Asks until the answer is yes: await WHAT COMMAND…
await() {
  local what=$1
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$limit" ] || fail "not within $limit s: $what"
    sleep 0.2
  done
}

# Who this is: a worker by its own id, a server by the address of its slot.
identify() {
  local line id zone registry
  line=$(toolkit-machine) || fail "the machine does not know who it is"
  read -r id zone address registry <<<"$line"
  name=$id
  if [ "$role" = server ]; then
    name=${slot[$address]-}
    [ -n "$name" ] || fail "no server of the cluster has the address $address"
    resource=Server${name#server-}
  fi
  value[name]=$name
  value[zone]=$zone
  value[registry]=$registry
  value[docker]=/var/lib/docker
  value[group]=${args[0]-}
  value[class]=${args[1]-}
  value[pool]=${args[2]-}
}

# Whether the first MiB is zero; a disk that cannot be read is not.
is_blank() {
  cmp -s -n 1048576 "$1" /dev/zero
}

# Mounts a disk, with a file system made only where there surely is nothing: mount_disk DISK FOLDER
mount_disk() {
  local found=0
  mkdir -p "$2"
  if mountpoint -q "$2"; then
    return
  fi
  blkid -p "$1" >/dev/null || found=$?
  if [ "$found" = 2 ]; then
    is_blank "$1" || fail "$1 has no file system and is not empty: it is left as it is"
    mkfs.ext4 -q "$1"
  elif [ "$found" != 0 ]; then
    fail "what is on $1 cannot be told (blkid said $found): it is left as it is"
  fi
  mount -o noatime "$1" "$2"
}

# Where the agents keep what they keep: a server on its slot's volume, a worker where its pool says.
storage() {
  local disks disk number=0
  mkdir -p "$state"
  if [ "$role" = server ]; then
    disks=$(toolkit-disk data "$name") || fail "the volume of $name cannot be had"
    if [ -n "$disks" ]; then
      mount_disk "$disks" "$state"
    fi
  elif [ "${args[3]-0}" = 1 ]; then
    disks=$(toolkit-disk ephemeral) || fail "the machine's own disks cannot be told"
    for disk in $disks; do
      mount_disk "$disk" "/opt/scratch/$number"
      value[docker]=/opt/scratch/$number/docker
      number=$((number + 1))
    done
    if [ "$number" -gt 0 ]; then
      mkdir -p /opt/scratch/0/alloc "$state/nomad/alloc"
      if ! mountpoint -q "$state/nomad/alloc"; then
        mount --bind /opt/scratch/0/alloc "$state/nomad/alloc"
      fi
    fi
  fi
}

# Lets a rule stand first in its chain, once: rule TABLE CHAIN RULE…
rule() {
  local table=$1 chain=$2
  shift 2
  iptables -w -t "$table" -C "$chain" "$@" 2>/dev/null || iptables -w -t "$table" -I "$chain" 1 "$@"
}

# Tasks never reach the machine's credentials. Other tools keep their hands off the mangle table. On
# the control machine, whose tasks are there to assume roles, those on its own network may.
firewall() {
  rule mangle FORWARD -d 169.254.169.254/32 -j DROP
  if [ "${value[group]}" != control ]; then
    rule mangle OUTPUT -d 169.254.169.254/32 -m owner ! --uid-owner 0 -j DROP
  fi
  # There sshd's helper learns which keys are let in for a minute. No task runs on a server, so that
  # none can be this user.
  if [ "$role" = server ] && id -u ec2-instance-connect >/dev/null 2>&1; then
    rule mangle OUTPUT -d 169.254.169.254/32 -m owner --uid-owner ec2-instance-connect -j ACCEPT
  fi
}

# Fetches, checks, unpacks: install NAME ADDRESS SHA256 PACKED. A folder named after a sum was checked.
install() {
  local to=$home/lib/$3 new
  if [ ! -d "$to" ]; then
    mkdir -p "$home/lib"
    new=$(mktemp -d "$home/lib/.new-XXXXXX")
    curl -fsSL --proto =https,file --retry 8 --retry-all-errors -m 900 -o "$new/file" "$2" ||
      fail "$1 cannot be fetched from $2"
    if ! sha256sum -c --status - <<<"$3  $new/file"; then
      rm -rf "$new"
      fail "$1 from $2 does not have the sum that the cluster file says"
    fi
    mkdir "$new/out"
    case $4 in
      zip) unzip -q "$new/file" -d "$new/out" ;;
      tgz) tar -xzf "$new/file" -C "$new/out" ;;
      *) mv "$new/file" "$new/out/$1" ;;
    esac
    chmod -R u+rx "$new/out"
    mv -T "$new/out" "$to"
    rm -rf "$new"
  fi
  if [ "$1" = cni ]; then
    ln -sfnT "$to" "$home/cni"
  else
    [ -x "$to/$1" ] || fail "there is no program $1 in $2"
    ln -sfn "$to/$1" "$home/bin/$1"
  fi
}

# Reads all of the role's secrets before anything is written with one of them.
fetch_secrets() {
  local each got
  for each in "${secrets[@]}"; do
    got=$(toolkit-secret "$each") || fail "the secret $each cannot be read"
    [ -n "$got" ] || fail "the secret $each is empty"
    value[${each#*/}]=$got
  done
}

# Writes standard input to a file, with values in place of their marks, if that changes it.
put() {
  local text key old=
  text=$(cat)
  for key in "${!value[@]}"; do
    text=${text//"@$key@"/"${value[$key]}"}
  done
  if [ -f "$1" ]; then
    old=$(cat "$1")
  fi
  if [ "$old" != "$text" ]; then
    mkdir -p "${1%/*}"
    printf '%s\n' "$text" >"$1.new"
    case $1 in
      # Before it is there: a run that ends in between must not forget the agent.
      /etc/consul.d/*) : >"$home/stale-consul" ;;
      /etc/nomad.d/*) : >"$home/stale-nomad" ;;
    esac
    mv "$1.new" "$1"
  fi
}

# How many servers there are is said until the cluster has begun: a server that comes later joins.
beginning() {
  local code=0
  [ "$role" = server ] || return 0
  toolkit-secret server/state/bootstrapped >/dev/null || code=$?
  case $code in
    0) rm -f /etc/consul.d/15-first.json /etc/nomad.d/15-first.json ;;
    3) write_first ;;
    *) fail "whether the cluster has begun cannot be told" ;;
  esac
}

# What is started must not hold the lock of the one that starts it.
service() {
  toolkit-service "$@" 9>&-
}

consul_says() {
  curl -fs -m 5 "http://127.0.0.1:8500/v1/$1" | grep -qF "$2"
}

nomad_says() {
  curl -fs -m 5 --cacert /etc/nomad.d/tls/ca.pem "https://127.0.0.1:4646/v1/$1" | grep -qF "$2"
}

# Starts both agents, and believes neither before the cluster has taken it in.
agents() {
  service start consul confined "$home/bin/consul" agent -config-dir=/etc/consul.d
  await "Consul knows a leader" consul_says status/leader :8300
  if [ "$role" = server ]; then
    await "Consul's servers have $name" consul_says status/peers "\"$address:8300\""
    service start nomad confined "$home/bin/nomad" agent -config=/etc/nomad.d
    await "Nomad knows a leader" nomad_says status/leader :4647
    await "Nomad's servers have $name" nomad_says status/peers "\"$address:4647\""
  else
    service start nomad open "$home/bin/nomad" agent -config=/etc/nomad.d
    await "Nomad's client knows its servers" nomad_says 'agent/health?type=client' '"ok":true'
  fi
}

# What was renewed since is written; an agent whose files changed reads them again, the next time if it
# cannot now.
refresh() {
  identify
  fetch_secrets
  write_secrets
  local each left=
  for each in consul nomad; do
    if [ ! -e "$home/stale-$each" ]; then
      continue
    elif service reload "$each"; then
      rm "$home/stale-$each"
    else
      left+=" $each"
    fi
  done
  [ -z "$left" ] || fail "what was renewed is not read yet by$left"
}

# Days that the first certificate of each file is valid, of the one that ends first.
days_left() {
  local each end least=99999 left
  for each in "$@"; do
    end=$(openssl x509 -noout -enddate -in "$each")
    left=$((($(date -d "${end#*=}" +%s) - $(date +%s)) / 86400))
    if [ "$left" -lt "$least" ]; then
      least=$left
    fi
  done
  echo "$least"
}

# What the cluster's alarms look at.
watch() {
  local leads=0 days
  if consul_says status/leader :8300 && nomad_says status/leader :4647; then
    leads=1
  fi
  toolkit-metric HasLeader "$leads"
  days=$(days_left /etc/consul.d/tls/agent.pem /etc/nomad.d/tls/agent.pem /etc/nomad.d/tls/ca.pem)
  toolkit-metric CertificateDays "$days"
}

start() {
  mkdir -p "$home/bin" "$home/lib"
  rm -rf "$home"/lib/.new-*
  write_cluster
  place_programs
  service boot /bin/bash "$home/boot" "$@"
  identify
  storage
  if [ "$role" != server ]; then
    # Before the engine is there: some packages start it at once.
    write_docker
  fi
  toolkit-package "${packages[@]}"
  firewall
  if [ "$role" != server ]; then
    # For the edge, which is not root: to root on this network the rules do not apply.
    echo 80 >/proc/sys/net/ipv4/ip_unprivileged_port_start
  fi
  downloads
  fetch_secrets
  write_agents
  if [ "${value[group]}" = control ]; then
    # What the kick server keeps: nobody but the user of its image writes there. The hook server
    # is root in its container, so that the users of its scripts see nothing of what it keeps.
    mkdir -p "$state"/{kick,hook}
    chown 65532:65532 "$state/kick"
    write_control
  fi
  beginning
  write_secrets
  if [ "$role" != server ]; then
    service system docker
  fi
  agents
  rm -f "$home"/stale-*
  service every 3600 toolkit-refresh /bin/bash "$home/boot" refresh
  if [ "$role" = server ]; then
    service every 60 toolkit-watch /bin/bash "$home/boot" watch
  fi
  toolkit-signal success "$resource" "$name is in" || echo "toolkit: the stack took no signal" >&2
}

main() {
  args=("$@")
  resource=${args[4]-}
  mkdir -p "$home"
  case ${1-} in
    refresh | watch) mode=$1 ;;
  esac
  if [ "$mode" != watch ]; then
    exec 9>"$home/lock"
    flock 9
  fi
  "$mode" "$@"
}
