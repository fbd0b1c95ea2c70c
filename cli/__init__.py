"""The command line: arguments, questions and rendering. No logic."""
