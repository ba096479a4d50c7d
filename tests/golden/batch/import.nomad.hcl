job "import" {
  type        = "batch"
  region      = "global"
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"

  parameterized {
    payload       = "required"
    meta_required = ["day"]
    meta_optional = ["why"]
  }

  group "import" {
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
        args = ["-c", "true"]
        command = "/bin/sh"
      }

      env = {
      }

      dispatch_payload {
        file = "rows.csv"
      }

      resources {
        cpu    = 100
        memory = 128
      }
    }
  }
}
