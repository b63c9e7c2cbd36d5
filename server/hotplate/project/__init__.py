"""What is known of the person's project: settings, environment, interpreter, where the app stands.

Nothing here imports the person's code, speaks to an editor or starts the app.
"""
