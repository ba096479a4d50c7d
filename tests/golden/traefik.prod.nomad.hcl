job "traefik" {
  type        = "system"
  region      = "global"
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "entrance"

  # Every machine of the pool behind the balancer, and no other.
  constraint {
    attribute = "${meta.pool}"
    value     = "web"
  }

  group "traefik" {
    shutdown_delay = "10s"

    update {
      max_parallel      = 1
      auto_revert       = true
      health_check      = "checks"
      min_healthy_time  = "15s"
      healthy_deadline  = "120s"
      progress_deadline = "300s"
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
        static = 8000
      }
      port "private" {
        static = 8001
      }
      port "api" {
        static = 8002
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
        interval = "2s"
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
        interval = "2s"
        timeout  = "1s"
      }
    }

    task "traefik" {
      driver       = "docker"
      # Machines let anybody listen from port 80 on; root on their network could ask who they are.
      user         = "65532:65532"
      kill_signal  = "SIGTERM"
      kill_timeout = "30s"

      config {
        network_mode = "host"
        image = "traefik:v3.7.15"
        args = [
          "--global.checkNewVersion=false",
          "--global.sendAnonymousUsage=false",
          "--log.level=INFO",

          # Two entrances, of which only `public` is ever the world's.
          "--entryPoints.public.address=:${NOMAD_PORT_public}",
          "--entryPoints.public.transport.lifeCycle.requestAcceptGraceTimeout=12s",
          "--entryPoints.public.transport.lifeCycle.graceTimeOut=15s",
          "--entryPoints.public.http.middlewares=try-another@file",
          "--entryPoints.private.address=${NOMAD_IP_private}:${NOMAD_PORT_private}",
          "--entryPoints.private.transport.lifeCycle.requestAcceptGraceTimeout=12s",
          "--entryPoints.private.transport.lifeCycle.graceTimeOut=15s",
          "--entryPoints.private.http.middlewares=try-another@file",

          # The balancer says by the PROXY protocol who asks, and begins its checks with it too.
          "--entryPoints.public.proxyProtocol.trustedIPs=10.42.192.0/18",
          "--entryPoints.traefik.proxyProtocol.trustedIPs=10.42.192.0/18",

          # The API has an entrance of its own; /ping answers 503 once a signal came.
          "--entryPoints.traefik.address=${NOMAD_IP_api}:${NOMAD_PORT_api}",
          "--ping=true",
          "--ping.entryPoint=traefik",
          "--api=true",

          # What it counts of each service, where the API is: canaries are judged by it too.
          "--metrics.prometheus=true",
          "--metrics.prometheus.buckets=0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10",
          "--metrics.prometheus.manualRouting=true",
          "--providers.file.filename=${NOMAD_SECRETS_DIR}/edge.yml",

          # Blocking queries, passing instances only, and only those that ask for a route.
          "--providers.consulCatalog=true",
          "--providers.consulCatalog.endpoint.address=127.0.0.1:8500",
          "--providers.consulCatalog.endpoint.scheme=http",
          "--providers.consulCatalog.watch=true",
          "--providers.consulCatalog.exposedByDefault=false",
          "--providers.consulCatalog.strictChecks=passing",
          "--providers.providersThrottleDuration=500ms",

          # A service keeps idle connections for longer than this: the edge hangs up first.
          "--serversTransport.forwardingTimeouts.dialTimeout=2s",
          "--serversTransport.forwardingTimeouts.idleConnTimeout=3s",
        ]
      }

      template {
        destination = "${NOMAD_SECRETS_DIR}/consul.env"
        env         = true
        change_mode = "noop"
        data        = <<EOT
{{ with nomadVar "nomad/jobs/traefik" }}
CONSUL_HTTP_TOKEN={{ .consul_token.Value | toJSON }}
{{ end }}
EOT
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
    toolkit-api:
      basicAuth:
        removeHeader: true
        users:
{{ with nomadVar "nomad/jobs/traefik" }}
{{ range .api_users.Value | split "\n" }}
{{ if . }}
          - {{ . | toJSON }}
{{ end }}
{{ end }}
{{ end }}
  routers:
    toolkit-api:
      rule: PathPrefix(`/api`) || PathPrefix(`/dashboard`)
      entryPoints: [traefik]
      service: api@internal
      middlewares: [toolkit-api]
    toolkit-metrics:
      rule: PathPrefix(`/metrics`)
      entryPoints: [traefik]
      service: prometheus@internal
      middlewares: [toolkit-api]
EOT
      }

      resources {
        cpu    = 200
        memory = 128
      }
    }
  }
}
