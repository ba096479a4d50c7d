job "kick" {
  type        = "service"
  region      = "global"
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "control"

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
      min_healthy_time  = "5s"
      healthy_deadline  = "120s"
      progress_deadline = "300s"
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
        static = 8652
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
        interval = "2s"
        timeout  = "1s"
      }
    }

    task "kick" {
      driver       = "raw_exec"
      kill_signal  = "SIGTERM"
      kill_timeout = "20s"

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
        "NOMAD_ADDR"       = "unix:${NOMAD_SECRETS_DIR}/api.sock"
        "CONSUL_HTTP_ADDR" = "http://127.0.0.1:8500"
      }

      # As it is: what would be an action of Nomad's templates is written out.
      template {
        destination = "${NOMAD_TASK_DIR}/kick.toml"
        change_mode = "noop"
        data        = <<KICK_TOML

cluster = "shop"
[[zone]]
name = "apps.example.com"
visibility = "public"
provider = "route53"
id = "Z0123456789ABCDEFGHIJ"
[[policy.person]]
policies = ["dns-{{`{{`}} team }}"]
[[policy.person.grants]]
names = ["*.apps.example.com"]
types = ["A", "AAAA"]
zones = ["public"]
most = 100
[targets]
public = ["203.0.113.0/24"]
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
