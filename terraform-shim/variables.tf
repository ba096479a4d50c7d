variable "rendered" {
  description = "What `toolkit cluster template NAME --json` printed: file(\"prod.json\")."
  type        = string

  validation {
    condition     = can(jsondecode(var.rendered)) && try(jsondecode(var.rendered).schema, "") == "toolkit.cluster-template/1"
    error_message = "This is not what `toolkit cluster template NAME --json` prints."
  }
}

variable "name" {
  description = "Name of the cluster file, and of the stack; what was rendered has to be of it."
  type        = string
}

variable "region" {
  description = "Region of the cluster file; what was rendered and the provider have to be of it."
  type        = string
}

variable "tags" {
  description = "Tags beside those of the cluster file, on everything that takes tags."
  type        = map(string)
  default     = {}
}

variable "timeout_in_minutes" {
  description = "How long the stack may take; machines wait until the cluster has begun."
  type        = number
  default     = 60
}
