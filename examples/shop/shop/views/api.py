"""The same goods as JSON. Prices are in pence."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from shop import products
from shop.products import Product

bp = Blueprint("api", __name__, url_prefix="/api")


@bp.get("/health")
def health() -> Response:
    return jsonify(status="ok", products=len(products.everything()))


@bp.get("/products")
def product_list() -> Response:
    found = products.search(request.args.get("q", ""))
    return jsonify(products=[as_json(product) for product in found])


@bp.get("/products/<int:product_id>")
def product_detail(product_id: int) -> Response:
    product = products.find(product_id)
    if product is None:
        abort(404, description="We do not stock that.")
    quotes = [asdict(quote) for quote in products.price_table(product)]
    return jsonify(**as_json(product), quotes=quotes)


@bp.get("/slow")
def slow() -> Response:
    """All products, a line of JSON each, with a pause between them.

    Save a file while it runs, to see that a request in flight is answered in full.
    """
    pause = request.args.get("pause", 0.15, type=float)
    if not 0 <= pause <= 5:
        abort(400, description="The pause is between 0 and 5 seconds.")
    found = products.everything()

    def lines() -> Iterator[str]:
        for product in found:
            yield json.dumps(as_json(product)) + "\n"
            time.sleep(pause)

    return Response(lines(), mimetype="application/x-ndjson")


def as_json(product: Product) -> dict[str, Any]:
    return {**asdict(product), "sale_price": product.sale_price}
