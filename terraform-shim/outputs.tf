output "stack_id" {
  description = "ARN of the stack."
  value       = aws_cloudformation_stack.cluster.id
}

output "stack" {
  description = "Name of the stack, which is the cluster's."
  value       = local.cluster.stack
}

output "region" {
  description = "AWS region."
  value       = local.cluster.region
}

output "account" {
  description = "Number of the only account that the cluster file is for, or null."
  value       = local.cluster.account
}

output "zones" {
  description = "Availability zones; the first three have the servers."
  value       = local.cluster.zones
}

output "network" {
  description = "Range of the VPC."
  value       = local.cluster.network
}

output "private_domain" {
  description = "Name of the private zone."
  value       = local.cluster.private_domain
}

output "public_domain" {
  description = "Domain that the public names are in, or null."
  value       = local.cluster.public_domain
}

output "names" {
  description = "Public names that lead to the balancer."
  value       = local.cluster.names
}

output "pools" {
  description = "Names of the pools, without the control pool."
  value       = local.cluster.pools
}

output "servers" {
  description = "The server slots: name, zone, address, host."
  value       = local.cluster.servers
}

output "subnets" {
  description = "Ranges of the subnets: zone, public, private."
  value       = local.cluster.subnets
}

output "vpc_id" {
  description = "Id of the VPC."
  value       = data.aws_vpc.cluster.id
}

output "private_subnet_ids" {
  description = "Ids of the machines' subnets, by zone."
  value       = { for zone, subnet in data.aws_subnet.private : zone => subnet.id }
}

output "public_subnet_ids" {
  description = "Ids of the balancer's subnets, by zone."
  value       = { for zone, subnet in data.aws_subnet.public : zone => subnet.id }
}
