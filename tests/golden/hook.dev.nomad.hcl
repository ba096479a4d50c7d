job "hook" {
  type        = "service"
  region      = "global"
  namespace   = "default"
  datacenters = ["*"]
  node_pool   = "default"

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
      min_healthy_time  = "1s"
      healthy_deadline  = "50s"
      progress_deadline = "90s"
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
        interval = "1s"
        timeout  = "1s"
      }
    }

    task "hook" {
      driver       = "raw_exec"
      kill_signal  = "SIGTERM"
      kill_timeout = "10s"

      config {
        command = "/opt/python"
        args = ["-m", "hook"]
      }

      # What it tells callers apart with: a policy is attached to this very job. It may change
      # nothing; a push is deployed with the token of whoever pushed.
      identity {
        file = true
      }

      env = {
        "RELEASE" = "0.1.0"
        "HOOK_CONFIG"      = "${NOMAD_TASK_DIR}/hook.toml"
        "HOOK_DATA"        = "${NOMAD_ALLOC_DIR}/data"
        "NOMAD_TOKEN_FILE" = "${NOMAD_SECRETS_DIR}/nomad_token"
        "NOMAD_ADDR"       = "http://127.0.0.1:4646"
        "CONSUL_HTTP_ADDR" = "http://127.0.0.1:8500"
      }

      # As it is: what would be an action of Nomad's templates is written out.
      template {
        destination = "${NOMAD_TASK_DIR}/hook.toml"
        change_mode = "noop"
        data        = <<HOOK_TOML
# What the hook server of a local cluster may do, and where its pushes go: the cluster itself.
# Another environment has a file of its own, named after it: hook.production.toml. docs/hook.md has
# every key; `toolkit validate hook` says what is wrong with them.
cluster = "dev"
url = "http://127.0.0.1:8655"    # this port and those below are moved with those of the agents

[target]
environment = "dev"
${"state = \"$${HOOK_STATE}\"          # of the agents; their tokens in it are not used"}

[target.edge]
public = "http://127.0.0.1:8080"
private = "http://127.0.0.1:8081"

# The holder of the management token, which `toolkit dev up --acl` gives to this project.
[[policy.person]]
management = true
[[policy.person.grants]]
repos = ["*"]
rights = ["admin"]

# Jobs that fetch code or what was built of it. Others have to be named here to read any.
[[policy.workload]]
job = "hello"
[[policy.workload.grants]]
repos = ["hello", "shop"]
rights = ["read"]

[[policy.workload]]
job = "shop"
[[policy.workload.grants]]
repos = ["shop"]
rights = ["read"]

# Whoever runs the agents without being root has no other user to run scripts as.
[hooks]
same_user = true
HOOK_TOML
      }

      resources {
        cpu    = 500
        memory = 300
      }
    }
  }
}
