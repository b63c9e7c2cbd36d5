"""The blueprints, one a module."""
