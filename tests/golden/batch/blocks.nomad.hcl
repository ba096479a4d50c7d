job "blocks" {
  type        = "batch"
  region      = "global"
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"

  periodic {
    crons = ["@daily", "@weekly"]
  }

  group "blocks" {
    count = 1

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

    task "app" {
      driver       = "raw_exec"
      kill_signal  = "SIGTERM"
      kill_timeout = "25s"

      config {
        command = "/bin/true"
      }

      env = {
        "MORE" = "blocks"
      }

      resources {
        cpu    = 100
        memory = 128
      }
    }
  }
}
