# The cluster's stack: the very template that toolkit renders, handed to CloudFormation as it is.

locals {
  cluster = jsondecode(var.rendered)
}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

resource "aws_cloudformation_stack" "cluster" {
  name               = local.cluster.stack
  template_body      = local.cluster.template
  capabilities       = local.cluster.capabilities
  tags               = merge(var.tags, local.cluster.tags)
  on_failure         = "DO_NOTHING"
  timeout_in_minutes = var.timeout_in_minutes

  lifecycle {
    precondition {
      condition     = local.cluster.stack == var.name
      error_message = "What was rendered is of another cluster: render it again."
    }

    precondition {
      condition     = local.cluster.region == var.region && data.aws_region.current.id == var.region
      error_message = "What was rendered, or the provider, is of another region."
    }

    precondition {
      condition     = local.cluster.account == null || local.cluster.account == data.aws_caller_identity.current.account_id
      error_message = "The cluster file names another account."
    }
  }
}

# CloudFormation tags what it makes with the name that the template has for it.

data "aws_vpc" "cluster" {
  tags = {
    "aws:cloudformation:stack-id"   = aws_cloudformation_stack.cluster.id
    "aws:cloudformation:logical-id" = "Vpc"
  }
}

data "aws_subnet" "private" {
  for_each = { for each in local.cluster.subnets : each.zone => each }

  vpc_id     = data.aws_vpc.cluster.id
  cidr_block = each.value.private
}

data "aws_subnet" "public" {
  for_each = { for each in local.cluster.subnets : each.zone => each }

  vpc_id     = data.aws_vpc.cluster.id
  cidr_block = each.value.public
}
