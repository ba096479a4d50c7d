job "frontend" {
  type        = "service"
  region      = "global"
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"

  # A changed release replaces every instance; a changed tag alone would not.
  meta {
    release = "1.0.0"
  }

  group "frontend" {
    count = 2

    # From leaving Consul to the signal: the edge forgets the instance before it goes.
    shutdown_delay = "10s"

    update {
      canary            = 2
      max_parallel      = 1
      auto_promote      = false
      auto_revert       = true
      health_check      = "checks"
      min_healthy_time  = "5s"
      healthy_deadline  = "120s"
      progress_deadline = "300s"
    }

    migrate {
      max_parallel     = 1
      health_check     = "checks"
      min_healthy_time = "5s"
      healthy_deadline = "120s"
    }

    restart {
      attempts = 1
      delay    = "1s"
      interval = "60s"
      mode     = "fail"
    }

    reschedule {
      attempts       = 1
      interval       = "10m"
      delay          = "5s"
      delay_function = "constant"
      unlimited      = false
    }

    network {
      port "http" {
      }
    }

    service {
      name     = "frontend"
      provider = "consul"
      port     = "http"
      tags = [
        "traefik.enable=true",
        "traefik.http.routers.frontend-34051401.rule=Host(`frontend.localhost`) || Host(`localhost`) || Host(`127.0.0.1`)",
        "traefik.http.routers.frontend-34051401.entryPoints=public",
        "traefik.http.routers.frontend-34051401.service=frontend-34051401",
        "traefik.http.services.frontend-34051401.loadbalancer.server.scheme=http",
        "version=1.0.0",
      ]
      meta {
        version = "1.0.0"
      }

      check {
        type     = "http"
        port     = "http"
        path     = "/health"
        interval = "2s"
        timeout  = "1s"
      }
    }

    task "app" {
      driver       = "raw_exec"
      kill_signal  = "SIGTERM"
      kill_timeout = "25s"

      config {
        command = "/opt/python"
        args = ["-m", "frontend"]
      }

      env = {
        "RELEASE" = "1.0.0"
        "CONSUL_HTTP_ADDR" = "http://127.0.0.1:8500"
      }

      template {
        destination          = "${NOMAD_SECRETS_DIR}/secrets.env"
        env                  = true
        change_mode          = "noop"
        error_on_missing_key = true
        data                 = <<EOT
{{ with nomadVar "nomad/jobs/frontend" }}
CONSUL_HTTP_TOKEN={{ .consul_http_token.Value | toJSON }}
{{ end }}
EOT
      }

      resources {
        cpu    = 100
        memory = 96
      }
    }
  }
}
