"""Copies a build to a board and runs it there, through the system's ssh and scp."""
