"""The part of Hotplate that runs inside the user's interpreter.

Standard library only, Python 3.8 and later. It loads the app as `flask run` would, serves it on
a socket that the language server holds, and tells what happens over a private channel. The
package is found through a path that is taken away again before the app runs, so that it shows
neither in `sys.path` nor in `sys.argv`.
"""
