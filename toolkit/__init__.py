"""Deploys services to Nomad, and proves that they got there."""

VERSION = "0.1.0"
