"""Corner Shop: a small Flask app with a factory, blueprints, templates and SQLite."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from . import basket, db, errors, pricing
from .views import api as api_views
from .views import basket as basket_views
from .views import catalogue as catalogue_views


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the app. What ``config`` says wins over ``config.json``."""
    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY="dev",
        DATABASE=str(Path(app.instance_path) / "shop.sqlite"),
    )
    app.config.from_file("config.json", load=json.load)
    if config is not None:
        app.config.from_mapping(config)

    db.init_app(app)
    errors.init_app(app)
    app.register_blueprint(catalogue_views.bp)
    app.register_blueprint(basket_views.bp)
    app.register_blueprint(api_views.bp)

    @app.template_filter("money")
    def money(pence: int) -> str:
        return pricing.format_money(pence, app.config["CURRENCY"])

    @app.context_processor
    def shop_globals() -> dict[str, Any]:
        return {"shop_name": app.config["SHOP_NAME"], "basket_count": basket.count()}

    return app
