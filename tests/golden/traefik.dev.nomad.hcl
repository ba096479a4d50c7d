job "traefik" {
  type        = "system"
  region      = "global"
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"

  group "traefik" {
    shutdown_delay = "0s"

    update {
      max_parallel      = 1
      auto_revert       = true
      health_check      = "checks"
      min_healthy_time  = "1s"
      healthy_deadline  = "30s"
      progress_deadline = "60s"
    }

    restart {
      attempts = 1
      delay    = "1s"
      interval = "60s"
      mode     = "fail"
    }

    network {
      mode = "host"
      port "public" {
        static = 8080
      }
      port "private" {
        static = 8081
      }
      port "api" {
        static = 8082
      }
    }

    service {
      name     = "traefik"
      provider = "consul"
      port     = "public"
      check {
        type     = "http"
        port     = "api"
        path     = "/ping"
        interval = "1s"
        timeout  = "1s"
      }
    }

    # toolkit finds every edge by this name, and asks each one what it routes to.
    service {
      name     = "traefik-api"
      provider = "consul"
      port     = "api"
      check {
        type     = "http"
        port     = "api"
        path     = "/ping"
        interval = "1s"
        timeout  = "1s"
      }
    }

    task "traefik" {
      driver       = "raw_exec"
      kill_signal  = "SIGTERM"
      kill_timeout = "10s"

      config {
        command = "/opt/traefik"
        args = [
          "--global.checkNewVersion=false",
          "--global.sendAnonymousUsage=false",
          "--log.level=INFO",

          # Two entrances, of which only `public` is ever the world's.
          "--entryPoints.public.address=127.0.0.1:${NOMAD_PORT_public}",
          "--entryPoints.public.transport.lifeCycle.requestAcceptGraceTimeout=0s",
          "--entryPoints.public.transport.lifeCycle.graceTimeOut=5s",
          "--entryPoints.public.http.middlewares=try-another@file",
          "--entryPoints.private.address=127.0.0.1:${NOMAD_PORT_private}",
          "--entryPoints.private.transport.lifeCycle.requestAcceptGraceTimeout=0s",
          "--entryPoints.private.transport.lifeCycle.graceTimeOut=5s",
          "--entryPoints.private.http.middlewares=try-another@file",

          # The API has an entrance of its own; /ping answers 503 once a signal came.
          "--entryPoints.traefik.address=${NOMAD_IP_api}:${NOMAD_PORT_api}",
          "--ping=true",
          "--ping.entryPoint=traefik",
          "--api=true",
          "--api.insecure=true",

          # What it counts of each service, where the API is: canaries are judged by it too.
          "--metrics.prometheus=true",
          "--metrics.prometheus.buckets=0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10",
          "--metrics.prometheus.entryPoint=traefik",
          "--providers.file.filename=${NOMAD_SECRETS_DIR}/edge.yml",

          # Blocking queries, passing instances only, and only those that ask for a route.
          "--providers.consulCatalog=true",
          "--providers.consulCatalog.endpoint.address=127.0.0.1:8500",
          "--providers.consulCatalog.endpoint.scheme=http",
          "--providers.consulCatalog.watch=true",
          "--providers.consulCatalog.exposedByDefault=false",
          "--providers.consulCatalog.strictChecks=passing",
          "--providers.providersThrottleDuration=100ms",

          # A service keeps idle connections for longer than this: the edge hangs up first.
          "--serversTransport.forwardingTimeouts.dialTimeout=2s",
          "--serversTransport.forwardingTimeouts.idleConnTimeout=3s",
        ]
      }

      # Traefik reads this file again when it changes. A request that could not be handed to an
      # instance, of which not a byte was sent, goes to another one: one that is gone may still be
      # listed, when it crashed a moment ago, or while Consul cannot be asked.
      template {
        destination = "${NOMAD_SECRETS_DIR}/edge.yml"
        change_mode = "noop"
        data        = <<EOT
http:
  middlewares:
    try-another:
      retry:
        attempts: 6
EOT
      }

      resources {
        cpu    = 200
        memory = 128
      }
    }
  }
}
