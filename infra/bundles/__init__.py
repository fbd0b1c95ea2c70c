"""Zips of what runs in the cloud: byte-stable, because a zip's hash decides whether Terraform replaces it."""
