#!/bin/bash
# What differs between a machine in AWS and one that is rehearsed: one program with a name for each.
set -euo pipefail
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=8 AWS_PAGER=
. /opt/toolkit/cluster
export AWS_DEFAULT_REGION=$region
units=/etc/systemd/system

# One of the machine's own data; the session's token goes by standard input.
ask() {
  local token
  token=$(curl -fsS -m 5 --retry 8 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' \
    http://169.254.169.254/latest/api/token)
  curl -fsS -m 5 --retry 8 -H @- "http://169.254.169.254/latest/$1" <<<"X-aws-ec2-metadata-token: $token"
}

# Prints the device of the slot's volume, attached to this machine: a volume that is still another's is
# waited for.
attach() {
  local me volume state owner device end=$((SECONDS + 600))
  me=$(ask meta-data/instance-id)
  volume=$(aws ec2 describe-volumes --query 'Volumes[].VolumeId' --output text --filters \
    "Name=tag:toolkit:cluster,Values=$cluster" "Name=tag:toolkit:slot,Values=$1")
  case $volume in
    vol-*[!0-9a-f-]* | '') echo "not one volume for $1: ${volume:-none}" >&2 && exit 1 ;;
  esac
  device=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volume/-/}
  while [ "$SECONDS" -lt "$end" ]; do
    state=$(aws ec2 describe-volumes --volume-ids "$volume" --output text \
      --query 'Volumes[0].[State,Attachments[0].InstanceId]')
    read -r state owner <<<"$state"
    if [ "$state" = available ]; then
      aws ec2 attach-volume --volume-id "$volume" --instance-id "$me" --device /dev/sdf >/dev/null ||
        true
    elif [ "$owner" = "$me" ] && [ -e "$device" ]; then
      echo "$device"
      return
    fi
    sleep 2
  done
  echo "$volume is $state of $owner and not to be had" >&2
  exit 1
}

# Writes a unit and takes it in, if that changes it: unit NAME, with its text as standard input.
unit() {
  local text old=
  text=$(cat)
  if [ -f "$units/$1" ]; then
    old=$(cat "$units/$1")
  fi
  if [ "$old" != "$text" ]; then
    (umask 022 && printf '%s\n' "$text" >"$units/$1")
    systemctl daemon-reload
  fi
}

service() {
  local does=$1 name=$2 confined='' kind
  shift 2
  case $does in
    start)
      kind=$1
      shift
      if [ "$kind" = confined ]; then
        confined='CapabilityBoundingSet=
NoNewPrivileges=yes
PrivateTmp=yes
ProtectHome=yes
ProtectSystem=strict
ReadWritePaths=/opt/state'
      else
        confined='KillMode=process
TasksMax=infinity'
      fi
      unit "$name.service" <<E
[Unit]
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0
[Service]
ExecStart=$*
ExecReload=/bin/kill -HUP \$MAINPID
Restart=always
RestartSec=2
LimitNOFILE=65536
OOMScoreAdjust=-900
$confined
E
      systemctl start "$name"
      ;;
    reload) systemctl reload "$name" ;;
    system)
      # At the next start disks and rules come first, so that it is not the system that starts it.
      systemctl disable -q "$name" "$name.socket" || true
      systemctl start "$name"
      ;;
    boot)
      unit toolkit-boot.service <<E
[Unit]
Wants=network-online.target
After=network-online.target
[Service]
Type=oneshot
ExecStart=$name $*
[Install]
WantedBy=multi-user.target
E
      systemctl enable -q toolkit-boot
      ;;
    every)
      kind=$1
      shift
      unit "$kind.service" <<E
[Service]
Type=oneshot
ExecStart=$*
E
      unit "$kind.timer" <<E
[Timer]
OnActiveSec=$name
OnUnitActiveSec=$name
RandomizedDelaySec=$((name / 4))
[Install]
WantedBy=timers.target
E
      systemctl enable -q --now "$kind.timer"
      ;;
  esac
}

# Installs the packages that hold these programs, unless all are there.
packages() {
  local each missing=()
  for each in "$@"; do
    command -v "$each" >/dev/null && continue
    case $each in
      docker-credential-ecr-login) missing+=(amazon-ecr-credential-helper) ;;
      iptables) missing+=("$(command -v dnf >/dev/null && echo iptables-nft || echo iptables)") ;;
      docker) missing+=("$(command -v dnf >/dev/null && echo docker || echo docker.io)") ;;
      *) missing+=("$each") ;;
    esac
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  if command -v dnf >/dev/null; then
    dnf -qy install "${missing[@]}"
  else
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qqy install "${missing[@]}"
  fi
}

case ${0##*/} in
  toolkit-secret)
    said=$(mktemp)
    trap 'rm -f "$said"' EXIT
    aws ssm get-parameter --name "/toolkit/$cluster/$1" --with-decryption --output text \
      --query Parameter.Value 2>"$said" && exit
    if grep -q ParameterNotFound "$said"; then
      exit 3
    fi
    cat "$said" >&2
    exit 1
    ;;
  toolkit-signal)
    me=$(ask meta-data/instance-id)
    aws cloudformation signal-resource --stack-name "$cluster" --logical-resource-id "$2" \
      --unique-id "$me" --status "${1^^}"
    ;;
  toolkit-disk)
    case $1 in
      data) attach "$2" ;;
      *)
        for each in /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_*; do
          if [ -b "$each" ] && [[ $each != *-part* ]]; then
            readlink -f "$each"
          fi
        done | sort -u
        ;;
    esac
    ;;
  toolkit-machine)
    me=$(ask meta-data/instance-id)
    zone=$(ask meta-data/placement/availability-zone)
    address=$(ask meta-data/local-ipv4)
    account=$(ask dynamic/instance-identity/document | sed -n 's/.*"accountId" *: *"\([0-9]*\)".*/\1/p')
    echo "$me $zone $address $account.dkr.ecr.$region.amazonaws.com"
    ;;
  toolkit-metric)
    aws cloudwatch put-metric-data --namespace "toolkit/$cluster" --metric-name "$1" --value "$2"
    ;;
  toolkit-package) packages "$@" ;;
  toolkit-service) service "$@" ;;
esac
