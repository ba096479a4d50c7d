job "handed" {
  type        = "sysbatch"
  region      = "global"
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"

  parameterized {
    payload       = "forbidden"
    meta_required = []
    meta_optional = []
  }

  group "handed" {
    # As many tries as the job file grants, all in one place; then it has failed, and says why.
    restart {
      attempts = 1
      delay    = "1s"
      interval = "8760h"
      mode     = "fail"
    }

    task "app" {
      driver       = "raw_exec"
      kill_signal  = "SIGTERM"
      kill_timeout = "25s"

      config {
        args = ["-c", "true"]
        command = "/bin/sh"
      }

      env = {
      }

      resources {
        cpu    = 100
        memory = 128
      }
    }
  }
}
