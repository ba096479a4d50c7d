job "hook" {
  type        = "service"
  region      = "global"
  namespace   = "default"
  datacenters = ["dc1"]
  node_pool   = "control"

  meta {
    release = "0.1.0"
  }

  group "hook" {
    # One, and never two at a time: there is one writer of the audit file and the repositories.
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

    # Without end: pushes have to be taken again, whatever kept it from running for a while.
    reschedule {
      delay          = "5s"
      delay_function = "exponential"
      max_delay      = "1m"
      unlimited      = true
    }

    network {
      mode = "host"
      port "http" {
        static = 8655
      }
    }

    volume "data" {
      type   = "host"
      source = "hook"
    }

    service {
      name     = "hook"
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

    task "hook" {
      driver       = "docker"
      kill_signal  = "SIGTERM"
      kill_timeout = "20s"

      config {
        # What it deploys it looks at where it is served: Consul, Traefik, the instances.
        network_mode = "host"
        image = "hook:0.1.0"
      }

      # What it tells callers apart with: a policy is attached to this very job. It may change
      # nothing; a push is deployed with the token of whoever pushed.
      identity {
        file = true
      }

      env = {
        "RELEASE" = "0.1.0"
        "HOOK_CONFIG"      = "${NOMAD_TASK_DIR}/hook.toml"
        "HOOK_DATA"        = "/data"
        "NOMAD_TOKEN_FILE" = "${NOMAD_SECRETS_DIR}/nomad_token"
        "NOMAD_ADDR"       = "unix:${NOMAD_SECRETS_DIR}/api.sock"
        "CONSUL_HTTP_ADDR" = "http://127.0.0.1:8500"
      }

      volume_mount {
        volume      = "data"
        destination = "/data"
      }

      # As it is: what would be an action of Nomad's templates is written out.
      template {
        destination = "${NOMAD_TASK_DIR}/hook.toml"
        change_mode = "noop"
        data        = <<HOOK_TOML

cluster = "shop"
url = "https://hook.example.com"
[target]
environment = "production"
[[policy.person]]
policies = ["dev-{{`{{`}} team }}"]
[[policy.person.grants]]
repos = ["*"]
rights = ["push"]
HOOK_TOML
      }

      template {
        destination = "${NOMAD_SECRETS_DIR}/consul.env"
        env         = true
        change_mode = "noop"
        data        = <<EOT
{{ with nomadVar "nomad/jobs/hook" }}
CONSUL_HTTP_TOKEN={{ .consul_token.Value | toJSON }}
{{ end }}
EOT
      }

      resources {
        cpu    = 500
        memory = 1024
      }
    }
  }
}
