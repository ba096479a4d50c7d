job "docker" {
  type        = "batch"
  region      = "global"
  namespace   = "default"
  datacenters = ["dc1"]
  node_pool   = "default"

  meta {
    release = "1.4.2"
  }

  group "docker" {
    count = 2

    # As many tries as the job file grants, all in one place; then it has failed, and says why.
    restart {
      attempts = 1
      delay    = "1s"
      interval = "8760h"
      mode     = "fail"
    }

    reschedule {
      attempts  = 0
      unlimited = false
    }

    network {
      port "http" {
        to = 80
      }
    }

    service {
      name     = "docker"
      provider = "consul"
      port     = "http"
      tags = [
        "version=1.4.2",
      ]
      meta {
        version = "1.4.2"
      }

      check {
        type     = "tcp"
        port     = "http"
        interval = "2s"
        timeout  = "1s"
      }
    }

    task "app" {
      driver       = "docker"
      kill_signal  = "SIGTERM"
      kill_timeout = "25s"

      config {
        image = "shop:1.4.2"
        ports = ["http"]
      }

      env = {
        "RELEASE" = "1.4.2"
      }

      template {
        destination          = "${NOMAD_SECRETS_DIR}/secrets.env"
        env                  = true
        change_mode          = "noop"
        error_on_missing_key = true
        data                 = <<EOT
{{ with nomadVar "nomad/jobs/docker" }}
DB_PASSWORD={{ .db_password.Value | toJSON }}
{{ end }}
EOT
      }

      resources {
        cpu    = 100
        memory = 128
      }
    }
  }
}
