"""Processes as EC2 instances: each gets an address, a root folder, a metadata service and its user data run.

It makes processes match what EC2 says and tells EC2 what became of them. It never decides how many instances
there should be: autoscaling does.
"""
