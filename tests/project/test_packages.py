from __future__ import annotations

import pytest

from hotplate.project.packages import likely_distribution


@pytest.mark.parametrize(
    ("module", "distribution"),
    [
        ("yaml", "PyYAML"),
        ("yaml.nodes", "PyYAML"),
        ("PIL.Image", "Pillow"),
        ("cv2", "opencv-python"),
        ("bs4", "beautifulsoup4"),
        ("sklearn.svm", "scikit-learn"),
        ("dotenv", "python-dotenv"),
        ("jwt", "PyJWT"),
        ("MySQLdb", "mysqlclient"),
        ("psycopg2.extras", "psycopg2-binary"),
        ("google.protobuf.message", "protobuf"),
        ("google.cloud.storage.blob", "google-cloud-storage"),
        ("flask", "Flask"),
        ("flask_sqlalchemy", "Flask-SQLAlchemy"),
        ("flask_login", "Flask-Login"),
        ("flask_admin.contrib.sqla", "Flask-Admin"),
        ("requests", "requests"),
        ("typing_extensions", "typing-extensions"),
        ("marshmallow_sqlalchemy.fields", "marshmallow-sqlalchemy"),
    ],
)
def test_what_to_install(module: str, distribution: str) -> None:
    assert likely_distribution(module) == distribution
