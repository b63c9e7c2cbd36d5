"""What to install for an import that failed: `No module named 'yaml'` is about PyYAML."""

from __future__ import annotations

# Where the name on PyPI is not the module's with hyphens.
_KNOWN = {
    "apscheduler": "APScheduler",
    "attr": "attrs",
    "babel": "Babel",
    "bs4": "beautifulsoup4",
    "bson": "pymongo",
    "cairo": "pycairo",
    "Crypto": "pycryptodome",
    "Cryptodome": "pycryptodomex",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "decouple": "python-decouple",
    "discord": "discord.py",
    "dns": "dnspython",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "engineio": "python-engineio",
    "faiss": "faiss-cpu",
    "fitz": "PyMuPDF",
    "flask": "Flask",
    "flask_debugtoolbar": "Flask-DebugToolbar",
    "flask_httpauth": "Flask-HTTPAuth",
    "flask_jwt_extended": "Flask-JWT-Extended",
    "flask_mysqldb": "Flask-MySQLdb",
    "flask_pymongo": "Flask-PyMongo",
    "flask_restful": "Flask-RESTful",
    "flask_socketio": "Flask-SocketIO",
    "flask_sqlalchemy": "Flask-SQLAlchemy",
    "flask_wtf": "Flask-WTF",
    "git": "GitPython",
    "gi": "PyGObject",
    "github": "PyGithub",
    "google.protobuf": "protobuf",
    "grpc": "grpcio",
    "jinja2": "Jinja2",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "ldap": "python-ldap",
    "magic": "python-magic",
    "mako": "Mako",
    "markdown": "Markdown",
    "markupsafe": "MarkupSafe",
    "memcache": "python-memcached",
    "multipart": "python-multipart",
    "MySQLdb": "mysqlclient",
    "mysql": "mysql-connector-python",
    "nacl": "PyNaCl",
    "OpenSSL": "pyOpenSSL",
    "PIL": "Pillow",
    "pkg_resources": "setuptools",
    "pptx": "python-pptx",
    "psycopg2": "psycopg2-binary",
    "pymysql": "PyMySQL",
    "pythonjsonlogger": "python-json-logger",
    "ruamel": "ruamel.yaml",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "socketio": "python-socketio",
    "speech_recognition": "SpeechRecognition",
    "sqlalchemy": "SQLAlchemy",
    "sqlalchemy_utils": "SQLAlchemy-Utils",
    "telegram": "python-telegram-bot",
    "usb": "pyusb",
    "websocket": "websocket-client",
    "werkzeug": "Werkzeug",
    "wtforms": "WTForms",
    "win32api": "pywin32",
    "wx": "wxPython",
    "xlsxwriter": "XlsxWriter",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}


def likely_distribution(module: str) -> str:
    """The name to give to `pip install` so that the module can be imported, as far as is known."""
    parts = module.split(".")
    # A namespace package (google) is shared by many: the longest name that is known counts.
    for length in range(len(parts), 0, -1):
        if known := _KNOWN.get(".".join(parts[:length])):
            return known
    if parts[:2] == ["google", "cloud"] and len(parts) > 2:
        return "-".join(parts[:3])
    top = parts[0]
    if top.startswith("flask_"):
        words = top.removeprefix("flask_").split("_")
        return "-".join(["Flask", *(word.capitalize() for word in words)])
    return top.replace("_", "-")
