job "kick" {
  type        = "service"
  region      = "global"
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"

  meta {
    release = "0.1.0"
  }

  group "kick" {
    # One, and never two at a time: there is one writer of the audit file.
    count = 1

    shutdown_delay = "0s"

    update {
      canary            = 0
      max_parallel      = 1
      auto_promote      = false
      auto_revert       = true
      health_check      = "checks"
      min_healthy_time  = "1s"
      healthy_deadline  = "50s"
      progress_deadline = "90s"
    }

    restart {
      attempts = 1
      delay    = "1s"
      interval = "60s"
      mode     = "fail"
    }

    # Without end: names have to go on being kept, whatever kept it from running for a while.
    reschedule {
      delay          = "5s"
      delay_function = "exponential"
      max_delay      = "1m"
      unlimited      = true
    }

    network {
      mode = "host"
      port "http" {
        static = 18652
      }
      port "dns" {
        static = 18653
      }
      port "dns_private" {
        static = 18654
      }
    }

    service {
      name     = "kick"
      provider = "consul"
      port     = "http"
      tags = [
        "version=0.1.0",
      ]
      meta {
        version = "0.1.0"
      }

      check {
        type     = "http"
        port     = "http"
        path     = "/healthz"
        interval = "1s"
        timeout  = "1s"
      }
    }

    task "kick" {
      driver       = "raw_exec"
      kill_signal  = "SIGTERM"
      kill_timeout = "10s"

      config {
        command = "/opt/python"
        args = ["-m", "kick"]
      }

      # What it reads jobs and allocations with: a policy is attached to this very job.
      identity {
        file = true
      }

      env = {
        "RELEASE" = "0.1.0"
        "KICK_CONFIG"      = "${NOMAD_TASK_DIR}/kick.toml"
        "KICK_DATA"        = "${NOMAD_ALLOC_DIR}/data"
        "NOMAD_TOKEN_FILE" = "${NOMAD_SECRETS_DIR}/nomad_token"
        "NOMAD_ADDR"       = "http://127.0.0.1:4646"
        "CONSUL_HTTP_ADDR" = "http://127.0.0.1:18500"
      }

      # As it is: what would be an action of Nomad's templates is written out.
      template {
        destination = "${NOMAD_TASK_DIR}/kick.toml"
        change_mode = "noop"
        data        = <<KICK_TOML
# What the kick server of a local cluster may do: two zones of its own, served on loopback.
# Another environment has a file of its own, named after it: kick.production.toml. docs/kick.md has
# every key; `toolkit validate kick` says what is wrong with them.
cluster = "dev"

[[zone]]
name = "apps.example.com"
visibility = "public"
provider = "local"

[[zone]]
name = "apps.internal"
visibility = "private"
provider = "local"

# What names may point to: the addresses that documents use, private ones, and this machine.
[targets]
public = ["203.0.113.0/24", "2001:db8::/32"]
private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
cnames = ["example.com"]
loopback = true

[edge.public]
service = "traefik"

[edge.private]
service = "traefik"

# The holder of the management token, which `toolkit dev up --acl` gives to this project.
[[policy.person]]
management = true
overrule = true
[[policy.person.grants]]
names = ["*.apps.example.com", "*.apps.internal"]
types = ["A", "AAAA", "CNAME", "TXT", "SRV"]
zones = ["public", "private"]
most = 1000
grant = ["wildcard"]

# A job may set its own name and what is below it. Others have to be named here to set any.
[[policy.workload]]
namespace = "default"
job = "hello"
[[policy.workload.grants]]
names = ["hello.apps.example.com", "*.hello.apps.example.com"]
types = ["A", "AAAA", "CNAME", "TXT"]
zones = ["public"]
most = 10
[[policy.workload.grants]]
names = ["hello.apps.internal", "*.hello.apps.internal"]
types = ["A", "AAAA", "SRV", "TXT"]
zones = ["private"]
most = 10

[[policy.workload]]
namespace = "default"
job = "shop"
[[policy.workload.grants]]
names = ["shop.apps.example.com", "*.shop.apps.example.com"]
types = ["A", "AAAA", "CNAME", "TXT"]
zones = ["public"]
most = 10
[[policy.workload.grants]]
names = ["shop.apps.internal", "*.shop.apps.internal"]
types = ["A", "AAAA", "SRV", "TXT"]
zones = ["private"]
most = 10

# On a laptop things may go sooner than in a cluster.
[reconcile]
policy = "sync"
grace = "30s"
hold = "5s"
interval = "1s"
settle = "200ms"
KICK_TOML
      }

      template {
        destination = "${NOMAD_SECRETS_DIR}/consul.env"
        env         = true
        change_mode = "noop"
        data        = <<EOT
{{ with nomadVar "nomad/jobs/kick" }}
CONSUL_HTTP_TOKEN={{ .consul_token.Value | toJSON }}
{{ end }}
EOT
      }

      resources {
        cpu    = 200
        memory = 160
      }
    }
  }
}
