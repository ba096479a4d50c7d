job "backend" {
  type        = "service"
  region      = "global"
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"

  # A changed release replaces every instance; a changed tag alone would not.
  meta {
    release = "1.0.0"
  }

  group "backend" {
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
        to = 8080
      }
    }

    service {
      name     = "backend"
      provider = "consul"
      port     = "http"
      tags = [
        "traefik.enable=true",
        "traefik.http.routers.backend-b59aaad9.rule=Host(`backend.localhost`)",
        "traefik.http.routers.backend-b59aaad9.entryPoints=public",
        "traefik.http.routers.backend-b59aaad9.service=backend-b59aaad9",
        "traefik.http.services.backend-b59aaad9.loadbalancer.server.scheme=http",
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
      driver       = "docker"
      kill_signal  = "SIGTERM"
      kill_timeout = "25s"

      config {
        image = "backend:1.0.0"
        ports = ["http"]
      }

      env = {
        "DB_URL" = "demo:"
        "RELEASE" = "1.0.0"
      }

      resources {
        cpu    = 100
        memory = 96
      }
    }
  }
}
