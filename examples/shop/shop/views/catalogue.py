"""The shelves: all products, those on offer, search, and a page for each."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request

from shop import products

bp = Blueprint("catalogue", __name__)


@bp.get("/")
def index() -> str:
    return render_template(
        "catalogue/index.html",
        heading="Fresh on the shelves",
        products=products.everything(),
    )


@bp.get("/offers/<any(weekend, clearance):offer>")
def offer(offer: str) -> str:
    return render_template(
        "catalogue/index.html",
        heading=f"{offer.capitalize()} offers",
        products=products.on_offer(offer),
    )


@bp.get("/search")
def search() -> str:
    words = request.args.get("q", "").strip()
    return render_template(
        "catalogue/index.html",
        heading=f"Results for “{words}”" if words else "Everything we have",
        products=products.search(words),
    )


@bp.get("/product/<int:product_id>")
def product(product_id: int) -> str:
    found = products.find(product_id)
    if found is None:
        abort(404, description="We do not stock that.")
    return render_template(
        "catalogue/product.html",
        product=found,
        price_table=products.price_table(found),
    )
