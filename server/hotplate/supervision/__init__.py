"""Supervision: starting, restarting and ending the app's processes; knows no editor."""
