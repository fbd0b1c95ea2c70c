"""What is watched: figures and alarms as data, for the stacks and for the commands."""
